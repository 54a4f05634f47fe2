//! A run of ten orders, undisturbed, and the room to do it again with a disturbance.

use std::path::{Path, PathBuf};

use crate::program::{Ended, Run, program, run};
use crate::shim::{Call, Hit, Owner, Shim, calls};
use investbot_tests::artifacts::workspace;
use investbot_tests::{Scratch, scratch};
use serde_json::{Value, json};

/// How many orders there are.
pub(crate) const ORDERS: usize = 10;

/// Where the orders go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Venue {
    /// Knows an order again for ever: a resend does no harm there.
    Paper,
    /// Takes the same order twice once the first is filled. Its network does nothing of its own accord here.
    Realish,
}

impl Venue {
    fn args(self) -> Vec<String> {
        const FAULTS: [&str; 9] = [
            "connect_failure",
            "request_lost",
            "request_delayed",
            "ack_lost",
            "connection_reset",
            "read_failure",
            "event_lost",
            "event_late",
            "event_doubled",
        ];
        match self {
            Self::Paper => vec!["--exchange=paper".to_owned()],
            Self::Realish => std::iter::once("--exchange=realish".to_owned())
                .chain(FAULTS.map(|fault| format!("--set={fault}=0")))
                .collect(),
        }
    }
}

/// What a run leaves besides its own state.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) reports: String,
    pub(crate) fills: String,
    pub(crate) fills_csv: String,
    pub(crate) ledger: String,
    /// Without the time that it took.
    pub(crate) summary: Value,
}

impl Left {
    pub(crate) fn read(run_dir: &Path) -> Self {
        let file = |name: &str| std::fs::read_to_string(run_dir.join(name)).unwrap();
        let mut summary: Value = serde_json::from_str(&file("summary.json")).unwrap();
        summary["elapsed_s"] = Value::Null;
        Self {
            reports: file("reports.jsonl"),
            fills: file("fills.jsonl"),
            fills_csv: file("fills.csv"),
            ledger: file("venue/ledger.jsonl"),
            summary,
        }
    }
}

/// Ten orders and the bars that they meet.
pub(crate) struct Scene {
    dir: Scratch,
    pub(crate) venue: Venue,
    shim: Shim,
    /// What an undisturbed run leaves.
    pub(crate) undisturbed: Left,
    /// The file calls of the undisturbed run.
    pub(crate) calls: Vec<Call>,
}

impl Scene {
    /// Sets it up, and runs it undisturbed: twice, for the calls have to be the same each time.
    pub(crate) fn new(shim: Shim, venue: Venue) -> Self {
        let dir = scratch();
        dir.file("orders.jsonl", orders());
        dir.file("bars.csv", bars());
        let mut scene = Self {
            dir,
            venue,
            shim,
            undisturbed: Left {
                reports: String::new(),
                fills: String::new(),
                fills_csv: String::new(),
                ledger: String::new(),
                summary: Value::Null,
            },
            calls: Vec::new(),
        };
        for again in [false, true] {
            let room = scene.room("undisturbed");
            let ended = room.over(scene.start(&room), None).end();
            let _ = ended.with_code(0);
            let (left, mut calls) = (Left::read(&room.run_dir), room.calls());
            // How long it took takes more or less room.
            for call in calls
                .iter_mut()
                .filter(|call| call.path == "summary.json.new" && call.what == "write")
            {
                call.detail.clear();
            }
            if again {
                let usual = |calls: &[Call]| -> Vec<Call> {
                    let usual = calls.iter().filter(|call| call.owner != Owner::Index);
                    usual.cloned().collect()
                };
                assert_eq!(left, scene.undisturbed, "the same run twice");
                assert_eq!(usual(&calls), usual(&scene.calls), "the same calls twice");
            }
            (scene.undisturbed, scene.calls) = (left, calls);
        }
        scene
    }

    /// The calls of an undisturbed run with all that they wrote, and what it told.
    pub(crate) fn recorded(&self) -> Vec<Call> {
        let room = self.room("recorded");
        let run = self.start(&room).env("SHIM_DATA", "1");
        let _ = room.end(run, None).with_code(0);
        room.calls()
    }

    /// An empty place for one run.
    pub(crate) fn room(&self, name: &str) -> Room {
        let dir = self.dir.join(name);
        if dir.exists() {
            std::fs::remove_dir_all(&dir).unwrap();
        }
        std::fs::create_dir(&dir).unwrap();
        Room {
            run_dir: dir.join("run"),
            log: dir.join("calls"),
            shim: self.shim,
        }
    }

    /// A place for one run whose files are in `dir`.
    pub(crate) fn room_in(&self, dir: &Path, name: &str) -> Room {
        Room {
            run_dir: dir.join("run"),
            ..self.room(name)
        }
    }

    /// A place with a copy of a run directory.
    pub(crate) fn copy(&self, run_dir: &Path, name: &str) -> Room {
        let room = self.room(name);
        copy(run_dir, &room.run_dir);
        room
    }

    /// A run from the beginning.
    pub(crate) fn start(&self, room: &Room) -> Run {
        run(["--quiet", "--intents=orders.jsonl", "--bars=bars.csv"])
            .args(["--instrument=BTC/USD", "--seed=7"])
            .args(self.venue.args())
            .keys()
            .flag("--run-dir", &room.run_dir)
            .in_dir(&self.dir)
    }

    /// A run that goes on.
    pub(crate) fn resume(&self, room: &Room) -> Run {
        run(["--quiet"])
            .keys()
            .flag("--resume", &room.run_dir)
            .in_dir(&self.dir)
    }

    /// A run whose orders come by and by.
    pub(crate) fn converse(&self, room: &Room) -> Run {
        run(["--quiet", "--intents=-", "--exchange=stub"])
            .flag("--run-dir", &room.run_dir)
            .in_dir(&self.dir)
    }

    /// Another command, where the data are.
    pub(crate) fn in_place(&self, run: Run) -> Run {
        run.keys().in_dir(&self.dir)
    }

    /// Many orders at once, by the clock on the wall, at a venue with some way to go.
    pub(crate) fn start_many(&self, room: &Room) -> Run {
        let order = |n: usize| {
            let order = json!({
                "id": format!("order-{n}"), "instrument": "BTC/USD", "type": "market", "side": "buy",
                "quantity": "0.01",
            });
            format!("{order}\n")
        };
        self.dir
            .file("many.jsonl", (0..60).map(order).collect::<String>());
        let run = run(["--quiet", "--intents=many.jsonl", "--bars=bars.csv"]);
        in_real_time(run, 30)
            .args(["--instrument=BTC/USD", "--seed=7"])
            .args(self.venue.args())
            .keys()
            .flag("--run-dir", &room.run_dir)
            .in_dir(&self.dir)
    }

    /// The check of what a run left.
    pub(crate) fn verify(&self, room: &Room) -> Run {
        program("verify").arg(&room.run_dir).in_dir(&self.dir)
    }

    /// What somebody does who finds a run directory after a process died: goes on with the run if there is
    /// one, and otherwise starts it.
    pub(crate) fn start_or_resume(&self, room: &Room) -> Run {
        if room.run_dir.join("run.json").exists() {
            self.resume(room)
        } else {
            self.start(room)
        }
    }
}

/// A place for one run.
pub(crate) struct Room {
    pub(crate) run_dir: PathBuf,
    log: PathBuf,
    shim: Shim,
}

impl Room {
    /// The run with the shim before it, whose log begins anew.
    pub(crate) fn over(&self, run: Run, hit: Option<Hit>) -> Run {
        if self.log.exists() {
            std::fs::remove_file(&self.log).unwrap();
        }
        self.shim.over(run, &self.run_dir, &self.log, hit)
    }

    /// The calls of the last process.
    pub(crate) fn calls(&self) -> Vec<Call> {
        calls(&self.log)
    }

    /// Runs it to its end with the shim before it.
    pub(crate) fn end(&self, run: Run, hit: Option<Hit>) -> Ended {
        self.over(run, hit).end()
    }
}

/// The run by the clock on the wall, at a venue that never closes and is so many milliseconds away.
pub(crate) fn in_real_time(run: Run, away: u32) -> Run {
    run.args([
        "--pace=realtime",
        "--set=maintenance_every_hours=0",
        "--set=requests_per_second=1000",
        "--set=latency_tail=0",
    ])
    .args(["min", "mean", "tail"].map(|what| format!("--set=latency_{what}_ms={away}")))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Ten orders of both kinds of names, one of them waiting and taken back.
fn orders() -> String {
    let mut lines = String::new();
    for n in 0..ORDERS {
        let time = format!("2017-10-0{}T{:02}:10:00Z", n / 4 + 1, n % 4 * 5 + 1);
        let mut order = json!({
            "instrument": "BTC/USD", "type": "market", "quantity": "0.1", "time": time,
            "side": if n % 3 == 2 { "sell" } else { "buy" },
        });
        if n % 2 == 0 {
            order["id"] = format!("order-{n}").into();
        }
        if n == 4 {
            order["type"] = "limit".into();
            order["limit_price"] = "3000".into();
        }
        lines.push_str(&format!("{order}\n"));
        if n == 7 {
            let cancel = json!({ "cancel": "order-4", "time": time });
            lines.push_str(&format!("{cancel}\n"));
        }
    }
    lines
}

/// Four days of the bundled bars.
fn bars() -> String {
    let bundled = std::fs::read_to_string(workspace().join("data/btcusd-30m.csv")).unwrap();
    let lines = bundled.split_inclusive('\n');
    lines.take(1 + 4 * 48).collect()
}
