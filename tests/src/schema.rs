//! JSON Schema, as much of it as the schemas of this project use: a keyword that is not known here is an error, so that
//! none is taken for checked.

use serde_json::Value;

/// Checks `value` against a definition of `root`, named as in `#/$defs/NAME`; the error says where it is not so.
pub fn check(root: &Value, name: &str, value: &Value) -> Result<(), String> {
    let schema = root
        .pointer(&format!("/$defs/{name}"))
        .ok_or_else(|| format!("there is no definition `{name}`"))?;
    Schema { root }.check(schema, value, "")
}

struct Schema<'a> {
    root: &'a Value,
}

impl Schema<'_> {
    fn check(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let keywords = match schema {
            Value::Bool(true) => return Ok(()),
            Value::Object(keywords) => keywords,
            other => return Err(format!("{at}: {other} is no schema")),
        };
        for (keyword, wanted) in keywords {
            let holds = match keyword.as_str() {
                "description" | "title" => true,
                "$ref" => {
                    let pointer = text(wanted).trim_start_matches('#');
                    let target = self.root.pointer(pointer);
                    let target = target.ok_or_else(|| format!("{at}: {wanted} leads nowhere"))?;
                    self.check(target, value, at)?;
                    true
                }
                "type" => match wanted {
                    Value::Array(names) => names.iter().any(|name| is_a(value, text(name))),
                    name => is_a(value, text(name)),
                },
                "const" => value == wanted,
                "enum" => list(wanted).contains(value),
                "minimum" => whole(value).is_none_or(|value| Some(value) >= whole(wanted)),
                "pattern" => is_decimal(wanted, value)?,
                "required" => list(wanted)
                    .iter()
                    .all(|key| value.get(text(key)).is_some()),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(wanted, item, &format!("{at}/{index}"))?;
                    }
                    true
                }
                "properties" => {
                    for (key, schema) in wanted.as_object().into_iter().flatten() {
                        if let Some(field) = value.get(key) {
                            self.check(schema, field, &format!("{at}/{key}"))?;
                        }
                    }
                    true
                }
                "additionalProperties" => {
                    self.others(keywords.get("properties"), wanted, value, at)?
                }
                "oneOf" | "anyOf" => self.alternatives(keyword, list(wanted), value, at)?,
                unknown => return Err(format!("{at}: the keyword `{unknown}` is not known here")),
            };
            if !holds {
                return Err(format!("{at}: not {keyword} {wanted}: {value}"));
            }
        }
        Ok(())
    }

    fn others(
        &self,
        named: Option<&Value>,
        wanted: &Value,
        value: &Value,
        at: &str,
    ) -> Result<bool, String> {
        for (key, field) in value.as_object().into_iter().flatten() {
            if named.is_some_and(|named| named.get(key).is_some()) {
                continue;
            }
            if wanted == &Value::Bool(false) {
                return Err(format!("{at}: `{key}` should not be there"));
            }
            self.check(wanted, field, &format!("{at}/{key}"))?;
        }
        Ok(true)
    }

    fn alternatives(
        &self,
        keyword: &str,
        all: &[Value],
        value: &Value,
        at: &str,
    ) -> Result<bool, String> {
        let tried: Vec<_> = all.iter().map(|one| self.check(one, value, at)).collect();
        let fit = tried.iter().filter(|tried| tried.is_ok()).count();
        match (keyword, fit) {
            ("oneOf", 1) => Ok(true),
            ("oneOf", _) | ("anyOf", 0) => {
                let why: Vec<_> = tried.into_iter().filter_map(Result::err).collect();
                Err(format!(
                    "{at}: {fit} of {} fit {value}: {}",
                    all.len(),
                    why.join("; ")
                ))
            }
            _ => Ok(true),
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn whole(value: &Value) -> Option<i128> {
    let signed = || value.as_i64().map(i128::from);
    value.as_u64().map(i128::from).or_else(signed)
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}

/// The one pattern there is. What is no text fits every pattern.
fn is_decimal(pattern: &Value, value: &Value) -> Result<bool, String> {
    if pattern != r"^-?[0-9]+(\.[0-9]+)?$" {
        return Err(format!("the pattern {pattern} is not known here"));
    }
    let Some(text) = value.as_str() else {
        return Ok(true);
    };
    let text = text.strip_prefix('-').unwrap_or(text);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = text.splitn(2, '.');
    Ok(parts.all(digits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_does_not_fit_is_found() {
        let root = json!({ "$defs": {
            "decimal": { "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$" },
            "closed": { "type": "object", "properties": { "a": { "$ref": "#/$defs/decimal" } }, "required": ["a"],
                "additionalProperties": false },
            "list": { "type": "array", "items": { "enum": [1, "x"] } },
            "one": { "oneOf": [{ "type": "integer", "minimum": 5 }, { "const": 7 }] },
            "any": { "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/one" }] },
            "map": { "type": "object", "additionalProperties": { "type": "string" } },
            "odd": { "maxLength": 3 }, "lost": { "$ref": "#/$defs/nowhere" },
        } });
        for (name, good) in [
            ("decimal", json!("-0.50")),
            ("closed", json!({ "a": "1" })),
            ("list", json!([1, "x", 1])),
            ("one", json!(6)),
            ("any", json!(null)),
            ("any", json!(8)),
            ("map", json!({ "k": "v" })),
        ] {
            assert_eq!(check(&root, name, &good), Ok(()), "{name}");
        }
        for (name, bad) in [
            ("decimal", json!("1e3")),
            ("decimal", json!(".5")),
            ("decimal", json!("5.")),
            ("decimal", json!(5)),
            ("closed", json!({})),
            ("closed", json!({ "a": "1", "b": 2 })),
            ("closed", json!({ "a": "x" })),
            ("list", json!([1, 2])),
            ("one", json!(7)),
            ("one", json!(4)),
            ("any", json!("x")),
            ("map", json!({ "k": 1 })),
            ("odd", json!("x")),
            ("lost", json!("x")),
            ("nowhere", json!("x")),
        ] {
            assert!(check(&root, name, &bad).is_err(), "{name} {bad}");
        }
    }
}
