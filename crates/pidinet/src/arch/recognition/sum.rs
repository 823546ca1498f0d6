//! Batch norms that are applied only when a map is needed, because two in a row are merged before
//! rounding. For interpreters that compute map by map.

/// What is added to a variance before the square root in batch norm.
pub const NORM_EPSILON: f64 = 1e-5;

/// A batch norm as one factor and one term for each channel.
#[derive(Clone, Debug)]
pub struct Norm {
    /// `weight / √(running_var + ε)`.
    pub scale: Vec<f64>,
    /// `bias − running_mean · scale`.
    pub offset: Vec<f64>,
}

impl Norm {
    /// The batch norm of `weight`, `bias`, `running_mean` and `running_var`.
    pub fn new([weight, bias, mean, variance]: [&[f32]; 4]) -> Self {
        let each = |c: usize| {
            let scale = f64::from(weight[c]) / (f64::from(variance[c]) + NORM_EPSILON).sqrt();
            (scale, f64::from(bias[c]) - f64::from(mean[c]) * scale)
        };
        let (scale, offset) = (0..weight.len()).map(each).unzip();
        Self { scale, offset }
    }
}

/// A sum of maps that are not yet scaled, `Σ scale · map + offset` for each channel.
#[derive(Clone, Debug)]
pub struct Sum<M> {
    /// Maps with a factor for each channel; none where it is 1.
    pub terms: Vec<(M, Option<Vec<f64>>)>,
    /// A term for each channel, where there is one.
    pub offset: Option<Vec<f64>>,
    /// Whether the maps are those of binary convolutions.
    is_branch: bool,
}

impl<M> From<M> for Sum<M> {
    fn from(map: M) -> Self {
        Self { terms: vec![(map, None)], offset: None, is_branch: false }
    }
}

impl<M: Clone> Sum<M> {
    /// The map of a binary convolution: two of these sums stay separate when they are added.
    pub fn branch(map: M) -> Self {
        Self { is_branch: true, ..map.into() }
    }

    /// The sum after a batch norm.
    pub fn normalised(&self, norm: &Norm) -> Self {
        let mut y = self.clone();
        for (_, scale) in &mut y.terms {
            *scale = Some(match scale {
                Some(before) => {
                    before.iter().zip(&norm.scale).map(|(before, factor)| before * factor).collect()
                }
                None => norm.scale.clone(),
            });
        }
        y.offset = Some(match y.offset {
            Some(before) => {
                let factors = before.iter().zip(&norm.scale).zip(&norm.offset);
                factors.map(|((before, factor), term)| before * factor + term).collect()
            }
            None => norm.offset.clone(),
        });
        y
    }

    /// The sum of both. `read` computes the map that a sum stands for, and `other` becomes that map unless it
    /// is of binary convolutions.
    pub fn plus(&self, other: &Self, read: impl Fn(&Self) -> M) -> Self {
        let mut sum = self.clone();
        sum.is_branch = self.is_branch && other.is_branch;
        let other = if other.is_branch { other.clone() } else { read(other).into() };
        sum.terms.extend(other.terms);
        sum.offset = match (sum.offset, other.offset) {
            (Some(a), Some(b)) => Some(a.iter().zip(&b).map(|(a, b)| a + b).collect()),
            (a, b) => a.or(b),
        };
        sum
    }
}
