//! The types of the engine and of the plugin boundary as a journal writes them: every number as a string,
//! because readers in other languages would round them.

mod order;
mod report;

pub(in crate::store) use order::{ClaimData, IntentData, PlaceData, SeenData};
pub(in crate::store) use report::{FillData, InstrumentData, ReportData};

#[cfg(test)]
pub(in crate::store) mod tests;
