//! Matrices with rows and columns exchanged.

/// Matrices of `rows` and `columns` that lie one after the other, each transposed.
///
/// # Shapes
/// `[.., rows, columns]` to `[.., columns, rows]`
pub fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let matrices = values.chunks_exact((rows * columns).max(1));
    let column = |matrix, column| <[f32]>::iter(matrix).skip(column).step_by(columns.max(1)).copied();
    matrices.flat_map(|matrix| (0..columns).flat_map(move |at| column(matrix, at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_matrix_is_turned_by_itself() {
        let values: Vec<f32> = (0..12).map(|value| value as f32).collect();
        let turned = transposed(&values, 2, 3);
        assert_eq!(turned, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0, 6.0, 9.0, 7.0, 10.0, 8.0, 11.0]);
        assert_eq!(transposed(&turned, 3, 2), values);
        assert!(transposed(&[], 0, 3).is_empty());
    }
}
