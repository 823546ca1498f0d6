//! After the network: thinner, binary, or stylised edges, from any edge map.
