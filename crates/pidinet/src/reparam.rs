//! Differences to ordinary weights.
