//! Models that come with the program.

/// A model file in the program itself, for [`Model::read`](crate::weights::Model::read).
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// Its name in options.
    pub name: &'static str,
    /// The file.
    pub bytes: &'static [u8],
}

/// All embedded models, the default one first. There are none yet: the published weights are for research
/// only and are not shipped.
pub const ALL: &[Embedded] = &[];

/// The embedded model of this name.
pub fn named(name: &str) -> Option<&'static Embedded> {
    ALL.iter().find(|model| model.name == name)
}
