//! Prints the table of plugins that misbehave, as docs/MISBEHAVIOUR.md has it.

#![allow(clippy::print_stdout, reason = "a program that prints a table")]

use investbot_tests::misbehaviour::{table, to_markdown};

fn main() {
    print!("{}", to_markdown(&table()));
}
