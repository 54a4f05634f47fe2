#!/usr/bin/env python3
"""A simulated venue for investbot's plugin `exec`: it fills market orders at once, at the last close, in dollars."""
import io, json, os, sys
from decimal import Decimal
STEP, MOST, CASH = Decimal("0.00000001"), Decimal(1_000_000), Decimal(10_000)

class Refused(Exception): """Kind, text and effect: `rejected` says that the order is not there and never was."""
def refuse_if(wrong, kind, text, effect="rejected"):
    if wrong: raise Refused(kind, text, effect)

class Venue:
    def open(self, instruments, data_dir, **_):  # Orders survive the session: the host asks for them in the next one.
        self.price, self.orders, self.fills = dict.fromkeys(instruments), {}, []
        self.file = open(os.path.join(data_dir, "orders.jsonl"), "a+") if data_dir else io.StringIO()
        self.file.seek(0)
        lines = [line for line in self.file if line.endswith("\n")]  # One without its end was told to nobody.
        self.file.truncate(sum(map(len, lines)))
        for order, report in map(json.loads, lines):
            self.enter(order, report)
        return {"protocol": 1}

    def enter(self, order, report):
        self.orders[order["client_order_id"]] = order, report
        self.fills += report["fills"]

    def place(self, order, now, **_):
        if known := self.orders.get(order["client_order_id"]):  # For ever: that is what the manifest claims.
            refuse_if(known[0] != order, "duplicate_client_order_id", "another order has this id")
            return known[1]
        symbol, quantity = order["instrument"], Decimal(order["quantity"])
        refuse_if(symbol not in self.price, "unknown_instrument", "the instrument is not listed")
        refuse_if({order["order_type"], order["time_in_force"]} != {"market", "gtc"}, "invalid_order", "not market gtc")
        refuse_if(not 0 < quantity <= MOST or quantity % STEP, "invalid_order", "the quantity breaks the rules")
        refuse_if(not self.price[symbol], "maintenance", "there is no price before the first bar", "not_sent")
        about = {key: order[key] for key in ("client_order_id", "instrument", "side", "quantity")}
        about |= {"venue_order_id": f"o{len(self.orders)}", "time": now}
        fill = about | {"fill_id": f"f{len(self.fills)}", "price": self.price[symbol], "liquidity": "taker"}
        report = about | {"status": "filled", "filled_quantity": order["quantity"]}
        report["fills"] = [fill | {"fee": "0", "fee_currency": ""}]
        print(json.dumps([order, report]), file=self.file, flush=True)  # Before anybody is told of it.
        self.enter(order, report)
        return report

    def cancel(self, order, **_):  # Every order here is final, and to cancel one that is final is no error.
        refuse_if(not self.order(order), "unknown_order", "there is no such order")
        return self.order(order)

    def fills_since(self, cursor, **_):
        known = cursor is None or cursor.isdecimal() and int(cursor) <= len(self.fills)
        refuse_if(not known, "protocol", "this is no cursor of this venue", "not_sent")
        return {"fills": self.fills[int(cursor or 0):], "cursor": str(len(self.fills)), "more": False}

    def balances(self, **_):
        total = {"USD": CASH} | {symbol.split("/")[0]: Decimal(0) for symbol in self.price}
        for fill in self.fills:
            bought = Decimal(fill["quantity"]) * (1 if fill["side"] == "buy" else -1)
            total[fill["instrument"].split("/")[0]] += bought
            total["USD"] -= bought * Decimal(fill["price"])
        return [{"currency": c, "total": f"{n:f}", "available": f"{n:f}"} for c, n in total.items()]

    def instruments(self, **_):
        rules = dict.fromkeys(("tick_size", "lot_size", "min_quantity"), f"{STEP:f}") | {"min_notional": "0"}
        return [{"symbol": s, "base": s.split("/")[0], "quote": "USD"} | rules for s in self.price]

    on_bars = lambda self, instrument, bars, **_: self.price.update({instrument: bars[-1]["close"]})
    order = lambda self, order, **_: self.orders.get(order["client_order_id"], (order, None))[1]
    open_orders = lambda self, **_: {"orders": [], "complete": True}
    positions = lambda self, **_: []  # There are balances.
    health = lambda self, **_: {"status": "ok", "message": ""}

venue = Venue()
for line in sys.stdin.buffer:
    request = json.loads(line)
    answer, op = {"id": request.pop("id")}, request.pop("op")
    try:
        refuse_if(not hasattr(Venue, op), "unsupported", f"there is no {op} here", "not_sent")
        answer["ok"] = getattr(venue, op)(**request)
    except Refused as no:
        answer["error"] = dict(zip(("kind", "message", "effect"), no.args))
    print(json.dumps(answer), flush=True)
