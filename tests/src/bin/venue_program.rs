//! A venue as a program of its own, for the plugin that runs one: it fills market orders at once, and fails as it is
//! told to. As a relay it writes down what is said between the plugin and another program.
//!
//! `venue_program DIR [FAULT OP FROM [TO]]`: keeps what it knows in DIR; from the FROM-th request OP to the TO-th,
//! counted over all its starts, it has the FAULT; OP may be several, as in `open,place`.
//! `venue_program relay FILE PROGRAM ARGS…`: FILE gets the lines of both directions, as `> …` and `< …`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that speaks"
)]

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, exit};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["relay", file, program, args @ ..] => relay(Path::new(file), program, args),
        [dir] => Venue::open(dir, None).serve(),
        [dir, fault, op, from] => Venue::open(dir, Fault::of(fault, op, from, from)).serve(),
        [dir, fault, op, from, to] => Venue::open(dir, Fault::of(fault, op, from, to)).serve(),
        _ => {
            eprintln!("expected DIR [FAULT OP FROM [TO]], or relay FILE PROGRAM ARGS");
            exit(2);
        }
    }
}

/// What goes wrong, and when.
struct Fault {
    name: String,
    op: String,
    from: usize,
    to: usize,
}

impl Fault {
    fn of(name: &str, op: &str, from: &str, to: &str) -> Option<Self> {
        let number = |text: &str| text.parse().expect("a number of requests");
        Some(Self {
            name: name.to_owned(),
            op: op.to_owned(),
            from: number(from),
            to: number(to),
        })
    }
}

struct Venue {
    dir: PathBuf,
    fault: Option<Fault>,
    price: String,
    /// Orders and the reports about them, oldest first.
    orders: Vec<(Value, Value)>,
}

impl Venue {
    fn open(dir: &str, fault: Option<Fault>) -> Self {
        let dir = PathBuf::from(dir);
        let kept = std::fs::read_to_string(dir.join("orders.jsonl")).unwrap_or_default();
        let read = |line| serde_json::from_str(line).expect("what it wrote itself");
        Self {
            price: std::fs::read_to_string(dir.join("price")).unwrap_or_else(|_| "100".to_owned()),
            orders: kept.lines().map(read).collect(),
            dir,
            fault,
        }
    }

    fn serve(mut self) {
        for line in std::io::stdin().lines() {
            let request: Value = serde_json::from_str(&line.expect("text")).expect("a request");
            let op = request["op"].as_str().expect("an operation").to_owned();
            let due = self.is_due(&op);
            if let Some(fault) = &due {
                before(fault, &request, &self.dir);
            }
            let mut answer = self.answer(&op, &request);
            answer["id"] = request["id"].clone();
            if let Some(fault) = &due {
                instead(fault, &mut answer);
            }
            say(&answer);
        }
    }

    /// The fault, if it is time for it.
    fn is_due(&self, op: &str) -> Option<String> {
        let fault = self
            .fault
            .as_ref()
            .filter(|fault| fault.op.split(',').any(|name| name == op))?;
        let mut counter = append(&self.dir.join("requests"));
        counter.write_all(b".").expect("room for a byte");
        let count = std::fs::read(self.dir.join("requests"))
            .expect("just written")
            .len();
        (fault.from..=fault.to)
            .contains(&count)
            .then(|| fault.name.clone())
    }

    fn answer(&mut self, op: &str, request: &Value) -> Value {
        let ok = match op {
            "open" => json!({ "protocol": 1 }),
            "place" => return self.place(&request["order"], &request["now"]),
            "order" => self
                .report(&request["order"]["client_order_id"])
                .unwrap_or_default(),
            "open_orders" => json!({ "orders": [], "complete": true }),
            "fills_since" => self.fills(request["cursor"].as_str()),
            "instruments" => json!([{
                "symbol": "BTC/USD", "base": "BTC", "quote": "USD", "tick_size": "0.01", "lot_size": "0.00000001",
                "min_quantity": "0.00000001", "min_notional": "0", "max_quantity": null,
            }]),
            "balances" => json!([{ "currency": "USD", "total": "10000", "available": "10000" }]),
            "positions" => json!([]),
            "health" => json!({ "status": "ok", "message": "" }),
            "on_bars" => {
                let bars = request["bars"].as_array().expect("bars");
                self.price = bars
                    .last()
                    .map_or("100", |bar| bar["close"].as_str().expect("a decimal"))
                    .to_owned();
                std::fs::write(self.dir.join("price"), &self.price).expect("room for a price");
                json!({})
            }
            "shutdown" => json!({}),
            _ => {
                return json!({ "error": { "kind": "unsupported", "effect": "not_sent", "message": "not here" } });
            }
        };
        json!({ "ok": ok })
    }

    fn report(&self, client_order_id: &Value) -> Option<Value> {
        let known = self
            .orders
            .iter()
            .find(|(order, _)| order["client_order_id"] == *client_order_id)?;
        Some(known.1.clone())
    }

    fn place(&mut self, order: &Value, now: &Value) -> Value {
        if let Some(report) = self.report(&order["client_order_id"]) {
            return json!({ "ok": report });
        }
        let number = self.orders.len().to_string();
        let fill = json!({
            "fill_id": number, "client_order_id": order["client_order_id"], "venue_order_id": number,
            "instrument": order["instrument"], "side": order["side"], "price": self.price,
            "quantity": order["quantity"], "fee": "0", "fee_currency": "", "liquidity": "taker", "time": now,
        });
        let report = json!({
            "client_order_id": order["client_order_id"], "venue_order_id": number, "instrument": order["instrument"],
            "side": order["side"], "status": "filled", "quantity": order["quantity"],
            "filled_quantity": order["quantity"], "time": now, "reason": null, "fills": [fill],
        });
        let mut line = json!([order, report]).to_string();
        line.push('\n');
        append(&self.dir.join("orders.jsonl"))
            .write_all(line.as_bytes())
            .expect("room for an order");
        self.orders.push((order.clone(), report.clone()));
        json!({ "ok": report })
    }

    fn fills(&self, cursor: Option<&str>) -> Value {
        let from: usize = cursor.map_or(0, |cursor| cursor.parse().expect("its own cursor"));
        let fills: Vec<Value> = self.orders[from..]
            .iter()
            .map(|(_, report)| report["fills"][0].clone())
            .collect();
        json!({ "fills": fills, "cursor": self.orders.len().to_string(), "more": false })
    }
}

/// Faults that come before anything was done. Those that end it do not come back.
fn before(fault: &str, request: &Value, dir: &Path) {
    match fault {
        "exit" => {
            eprintln!("these are its last words");
            exit(3);
        }
        "abort" => std::process::abort(),
        "hang" => rest(),
        "garbage" => println!("this is no JSON"),
        "half" => {
            print!("{{\"id\":");
            let _ = std::io::stdout().flush();
            exit(0);
        }
        "endless" => endless(),
        "flood" => loop {
            say(&json!({ "log": { "level": "debug", "message": "on and on" } }));
        },
        "stranger" => say(&json!({ "id": 999_999, "ok": {} })),
        "early" => say(&json!({ "id": request["id"].as_u64().expect("a number") + 1, "ok": {} })),
        "noise" => {
            for n in 0..5_000 {
                eprintln!("line {n} {}", "x".repeat(5_000));
                say(&json!({ "log": { "level": "info", "message": format!("line {n}") } }));
            }
        }
        "leak" => {
            let names: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
            eprintln!("its variables: {}", names.join(" "));
            eprintln!("it was told {}", request["secrets"]);
        }
        "child" => {
            // It keeps the pipes open.
            let child = Command::new("sleep")
                .arg("1000")
                .spawn()
                .expect("there is a sleep");
            std::fs::write(dir.join("child"), child.id().to_string()).expect("room for a number");
            exit(4);
        }
        _ => {}
    }
}

/// Faults of the answer, when what was asked is done.
fn instead(fault: &str, answer: &mut Value) {
    match fault {
        "exit_after" => exit(5),
        "hang_after" => rest(),
        "shape" => answer["ok"] = json!({ "client_order_id": 7 }),
        "number" => answer["ok"]["quantity"] = json!(0.1),
        "twice" => say(answer),
        "effect" => {
            *answer = json!({ "id": answer["id"], "error": { "kind": "network", "message": "what did it do?" } });
        }
        "both" => {
            answer["error"] =
                json!({ "kind": "network", "effect": "rejected", "message": "and not ok" })
        }
        "other" => answer["ok"]["client_order_id"] = json!("another"),
        _ => {}
    }
}

fn rest() -> ! {
    loop {
        std::thread::park();
    }
}

fn endless() -> ! {
    let piece = [b'x'; 1 << 16];
    let mut out = std::io::stdout().lock();
    while out.write_all(&piece).is_ok() {}
    exit(6)
}

fn say(value: &Value) {
    let mut line = value.to_string();
    line.push('\n');
    let mut out = std::io::stdout().lock();
    if out
        .write_all(line.as_bytes())
        .and_then(|()| out.flush())
        .is_err()
    {
        exit(0);
    }
}

fn append(path: &Path) -> std::fs::File {
    let opened = OpenOptions::new().create(true).append(true).open(path);
    opened.expect("the directory can be written")
}

/// Stands between the plugin and a program.
fn relay(file: &Path, program: &str, args: &[&str]) {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let said = child.stdout.take().expect("it is piped");
    let mut asks = child.stdin.take().expect("it is piped");
    let record = Arc::new(Mutex::new(append(file)));
    let note = move |mark: &str, line: &str| {
        let mut record = record.lock().expect("nobody panics");
        record
            .write_all(format!("{mark} {line}\n").as_bytes())
            .expect("room for a line");
    };
    let heard = note.clone();
    let listener = std::thread::spawn(move || {
        for line in BufReader::new(said).lines().map_while(Result::ok) {
            heard("<", &line);
            println!("{line}");
        }
    });
    for line in std::io::stdin().lines().map_while(Result::ok) {
        note(">", &line);
        if asks.write_all(format!("{line}\n").as_bytes()).is_err() {
            break;
        }
    }
    drop(asks);
    let _ = child.wait();
    let _ = listener.join();
}
