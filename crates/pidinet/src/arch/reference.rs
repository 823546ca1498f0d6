//! The oracle: the network in plain f64 loops, differences taken literally.
