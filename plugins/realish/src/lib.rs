//! realish
