//! Images with transparent parts, laid onto white.

/// RGB of RGBA with straight alpha; by itself, for it is to be fast where its callers are to be small.
///
/// # Shapes
/// `rgba`: `[pixels, 4]`; result: `[pixels, 3]`.
#[inline(never)]
pub fn onto_white(rgba: &[u8]) -> Vec<u8> {
    let pixels = rgba.as_chunks::<4>().0;
    let mut rgb = vec![0; pixels.len() * 3];
    let (fours, rest) = pixels.as_chunks::<4>();
    let (to, to_rest) = rgb.split_at_mut(fours.len() * 12);
    for (to, four) in to.as_chunks_mut::<12>().0.iter_mut().zip(fours) {
        match opaque(four) {
            Some(twelve) => *to = twelve,
            None => each_onto_white(four, to),
        }
    }
    each_onto_white(rest, to_rest);
    rgb
}

fn each_onto_white(rgba: &[[u8; 4]], rgb: &mut [u8]) {
    for (to, &[r, g, b, a]) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(rgba) {
        *to = [blend(r, a), blend(g, a), blend(b, a)];
    }
}

/// Four pixels without their alpha where all of them are opaque, as nearly all of nearly every image are: a few operations on
/// four bytes at once.
fn opaque(pixels: &[[u8; 4]; 4]) -> Option<[u8; 12]> {
    let [a, b, c, d] = pixels.map(u32::from_le_bytes);
    if a & b & c & d < 255 << 24 {
        return None;
    }
    let [a, b, c, d] = [a, b, c, d].map(|pixel| pixel & 0x00ff_ffff);
    let [first, second, third] = [a | b << 24, b >> 8 | c << 16, c >> 16 | d << 8].map(u32::to_le_bytes);
    let mut twelve = [0; 12];
    for (to, word) in twelve.as_chunks_mut().0.iter_mut().zip([first, second, third]) {
        *to = word;
    }
    Some(twelve)
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
    fn opaque_pixels_are_as_they_were_wherever_others_lie() {
        for len in 0..14 {
            for transparent in 0..=len {
                let rgba: Vec<u8> = (0..len)
                    .flat_map(|at| [at * 3, 100 + at, 255 - at, if at == transparent { 40 } else { 255 }])
                    .collect();
                let mut expected = vec![0; usize::from(len) * 3];
                each_onto_white(rgba.as_chunks().0, &mut expected);
                assert_eq!(onto_white(&rgba), expected);
            }
        }
    }

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
