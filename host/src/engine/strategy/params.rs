//! Parameters of strategies: text from the configuration, typed and checked, with every problem told.

use std::collections::BTreeMap;

use investbot_plugin_api::Decimal;

use super::StrategyInfo;

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// A whole number.
    Integer,
    /// A decimal.
    Decimal,
}

/// A parameter of a strategy.
#[derive(Clone, Copy, Debug)]
pub struct ParamInfo {
    /// The name that users type.
    pub name: &'static str,
    /// One line.
    pub help: &'static str,
    /// Its type.
    pub kind: ParamKind,
    /// The value if none is given.
    pub default: &'static str,
    /// The smallest value.
    pub min: &'static str,
    /// The largest value.
    pub max: &'static str,
}

/// Something that is wrong with a strategy's name or one of its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamProblem {
    /// The parameter; `None` if it is the strategy's name.
    pub param: Option<String>,
    /// What is wrong with it.
    pub text: String,
}

impl ParamProblem {
    pub(super) fn of(param: &str, text: String) -> Self {
        Self {
            param: Some(param.to_owned()),
            text,
        }
    }
}

/// The parameters of one strategy while it is being made.
#[derive(Debug)]
pub struct Params<'a> {
    info: &'static StrategyInfo,
    given: &'a BTreeMap<String, String>,
    problems: Vec<ParamProblem>,
    mistyped: bool,
}

impl<'a> Params<'a> {
    pub(super) fn new(info: &'static StrategyInfo, given: &'a BTreeMap<String, String>) -> Self {
        let names: Vec<_> = info.params.iter().map(|param| param.name).collect();
        let problems = given
            .keys()
            .filter(|key| !names.contains(&key.as_str()))
            .map(|key| {
                let text = format!(
                    "strategy {} has no parameter `{key}`; {}",
                    info.name,
                    meant(key, &names)
                );
                ParamProblem::of(key, text)
            })
            .collect();
        Self {
            info,
            given,
            problems,
            mistyped: false,
        }
    }

    /// A decimal. After a problem it is the default; [`finish`](Self::finish) tells.
    pub(super) fn decimal(&mut self, name: &'static str) -> Decimal {
        let param = self
            .info
            .params
            .iter()
            .find(|param| param.name == name)
            .expect("strategies ask for the parameters that they describe");
        let own = |text: &str| text.parse::<Decimal>().expect("the table holds decimals");
        let default = own(param.default);
        let Some(text) = self.given.get(name) else {
            return default;
        };
        let kind = match param.kind {
            ParamKind::Integer => "a whole number",
            ParamKind::Decimal => "a decimal",
        };
        let value = text.trim().parse::<Decimal>().ok().filter(|value| {
            (own(param.min)..=own(param.max)).contains(value)
                && (param.kind == ParamKind::Decimal || value.is_integer())
        });
        value.unwrap_or_else(|| {
            self.mistyped = true;
            let text = format!(
                "{name} = `{text}` is not {kind} from {} to {}",
                param.min, param.max
            );
            self.problems.push(ParamProblem::of(name, text));
            default
        })
    }

    /// A whole number.
    pub(super) fn integer(&mut self, name: &'static str) -> usize {
        let value = self.decimal(name);
        usize::try_from(value.normalize().mantissa()).expect("the table bounds whole numbers")
    }

    /// Adds a problem of `name` with the other parameters, unless one of them is a default in place of a
    /// mistake.
    pub(super) fn require(&mut self, holds: bool, name: &str, text: impl FnOnce() -> String) {
        if !holds && !self.mistyped {
            self.problems.push(ParamProblem::of(name, text()));
        }
    }

    /// The strategy, if there was no problem.
    pub(super) fn finish<T>(self, strategy: T) -> Result<T, Vec<ParamProblem>> {
        if self.problems.is_empty() {
            Ok(strategy)
        } else {
            Err(self.problems)
        }
    }
}

/// The parameter that was probably meant, or all there are.
fn meant(given: &str, names: &[&str]) -> String {
    let allowed = (given.chars().count() / 3).clamp(1, 4);
    let near = names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), *name))
        .filter(|(distance, _)| *distance <= allowed)
        .min();
    match near {
        Some((_, name)) => format!("did you mean `{name}`?"),
        None => format!("it has: {}", names.join(", ")),
    }
}
