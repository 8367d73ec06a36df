//! What the async and the blocking client share: clock, environment, TLS roots, and the step that carries out the decisions of tm-core.
