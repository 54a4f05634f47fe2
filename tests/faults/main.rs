//! The real binary under fault: what a kill, a disk that fails or fills up, a limit, a pause, a loss of
//! power and damaged files leave, and that a resume makes it whole: no order twice, none lost, none lied
//! about.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod audit;
mod calls;
mod damage;
mod disk;
mod gone;
mod limits;
mod pauses;
mod power;
mod proof;
mod scene;
mod shim;
mod sweep;
mod tell;
mod trial;

use investbot_tests::program;
