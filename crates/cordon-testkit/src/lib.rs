//! cordon-testkit
