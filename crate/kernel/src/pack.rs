//! Weights in the order in which the kernels read them.

use crate::PANEL;

/// Puts each panel of eight outputs together: their biases, then for each tap their eight weights.
///
/// # Shapes
/// `weight`: `[outputs, taps]`, `bias`: `[outputs]`, of whole panels; `order`: where each tap lies among an output's weights;
/// result: `[outputs / 8][bias 8 | filled x 8]`, the taps past those in order zero.
pub fn pack(weight: &[f32], bias: &[f32], order: &[usize], filled: usize) -> Vec<f32> {
    let taps = order.len();
    let mut values = Vec::with_capacity(bias.len() * (filled + 1));
    for (biases, kernels) in bias.chunks_exact(PANEL).zip(weight.chunks_exact((PANEL * taps).max(1))) {
        values.extend_from_slice(biases);
        pack_panel(kernels, order, &mut values);
        values.resize(values.len() + filled.saturating_sub(taps) * PANEL, 0.0);
    }
    values
}

/// Eight outputs side by side; by itself, so that browsers compile it well before the last.
#[inline(never)]
fn pack_panel(kernels: &[f32], order: &[usize], values: &mut Vec<f32>) {
    let mut rows = kernels.chunks_exact(order.len().max(1));
    let rows: [&[f32]; PANEL] = std::array::from_fn(|_| rows.next().unwrap_or_default());
    for &tap in order {
        values.extend_from_slice(&rows.map(|row| row.get(tap).copied().unwrap_or_default()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_lie_side_by_side_behind_their_biases() {
        let bias: Vec<f32> = (0..16).map(|output| -1.0 - output as f32).collect();
        let weight: Vec<f32> = (0..16 * 3).map(|place| place as f32).collect();
        let packed = pack(&weight, &bias, &[2, 0, 1], 4);
        assert_eq!(packed.len(), 2 * 5 * PANEL);
        let (panels, _) = packed.as_chunks::<{ 5 * PANEL }>();
        for (panel, values) in panels.iter().enumerate() {
            for lane in 0..PANEL {
                let output = panel * PANEL + lane;
                let found: Vec<f32> = values.iter().skip(lane).step_by(PANEL).copied().collect();
                let first = (output * 3) as f32;
                assert_eq!(found, [bias[output], first + 2.0, first, first + 1.0, 0.0]);
            }
        }
    }
}
