//! Images with transparent parts, laid onto white.

/// RGB of RGBA with straight alpha.
///
/// # Shapes
/// `rgba`: `[pixels, 4]`; result: `[pixels, 3]`.
pub fn onto_white(rgba: &[u8]) -> Vec<u8> {
    let pixels = rgba.as_chunks::<4>().0;
    let mut rgb = vec![0; pixels.len() * 3];
    for (to, &[r, g, b, a]) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
        *to = [blend(r, a), blend(g, a), blend(b, a)];
    }
    rgb
}

/// Rounded `channel * alpha + white * (1 - alpha)` in eight bits.
fn blend(channel: u8, alpha: u8) -> u8 {
    let (c, a) = (u32::from(channel), u32::from(alpha));
    ((c * a + 255 * (255 - a) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_rounds_to_the_nearest_value() {
        for channel in 0..=255u8 {
            for alpha in 0..=255u8 {
                let share = f64::from(alpha) / 255.0;
                let exact = f64::from(channel) * share + 255.0 * (1.0 - share);
                assert!((f64::from(blend(channel, alpha)) - exact).abs() <= 0.5 + 1e-9);
            }
        }
    }
}
