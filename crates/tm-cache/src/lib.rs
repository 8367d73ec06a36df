//! Keeps technical tokens: the view that makes a hit cheap, and the stores that outlive it.
