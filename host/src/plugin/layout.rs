//! Comparing the types of the binary layer, and saying in one line where they differ: abi_stable's own
//! text runs to a thousand lines.

use abi_stable::StableAbi as _;
use abi_stable::abi_stability::abi_checking::{
    AbiInstability, AbiInstabilityError, check_layout_compatibility,
};
use abi_stable::library::LibHeader;
use investbot_plugin_api::abi::PluginRootRef;

use super::text::one_line;

/// The first difference between this host's binary layer and the plugin's.
pub(super) fn difference(header: &LibHeader) -> Option<String> {
    let Some(found) = header.layout() else {
        return Some("a root module that carries no layout".to_owned());
    };
    let errors = check_layout_compatibility(PluginRootRef::LAYOUT, found).err()?;
    // An error deep inside also makes every type around it an error, so the deepest says most.
    let deepest = errors
        .errors
        .iter()
        .filter(|e| !e.errs.is_empty())
        .max_by_key(|e| (e.stack_trace.len(), std::cmp::Reverse(e.index)));
    Some(deepest.map_or_else(|| "an unknown difference".to_owned(), describe))
}

fn describe(error: &AbiInstabilityError) -> String {
    use abi_stable::type_layout::TLFieldOrFunction as Step;
    let mut place = vec!["PluginRoot".to_owned()];
    let names = error.stack_trace.iter().map(|step| match &step.found {
        Step::Field(field) => field.name(),
        Step::Function(function) => function.name.as_str(),
    });
    // Wrappers around the type that somebody wrote have fields that are numbered.
    let names = names.filter(|name| name.parse::<u8>().is_err());
    place.extend(names.map(str::to_owned));
    place.dedup();
    let what = error.errs.first().map(reason).unwrap_or_default();
    one_line(&format!("{}: {what}", place.join(".")))
}

fn reason(error: &AbiInstability) -> String {
    use AbiInstability as A;
    match error {
        A::Name(types) => format!("{:#} instead of {:#}", types.found, types.expected),
        A::Package(names) => format!("of crate {} instead of {}", names.found, names.expected),
        A::PackageVersion(v) => format!("of version {} instead of {}", v.found, v.expected),
        A::FieldCountMismatch(n) => format!("{} fields instead of {}", n.found, n.expected),
        A::UnexpectedField(f) => {
            format!(
                "field `{}` instead of `{}`",
                f.found.name(),
                f.expected.name()
            )
        }
        A::Size(n) => format!("{} bytes instead of {}", n.found, n.expected),
        A::Alignment(n) => format!("aligned to {} instead of {}", n.found, n.expected),
        A::MismatchedPrefixSize(n) => {
            format!("{} frozen fields instead of {}", n.found, n.expected)
        }
        A::MismatchedPrimitive(p) => format!("{:?} instead of {:?}", p.found, p.expected),
        other => {
            // `Variant(details)`: the name of the variant says what differs.
            let text = format!("{other:?}");
            text.split(['(', '{', ' ']).next().unwrap_or("").to_owned()
        }
    }
}
