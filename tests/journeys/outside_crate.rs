//! An author's own crate, outside the workspace: built against the plugin API alone, used by path and by name.

use std::path::Path;

use crate::program::run;
use investbot_tests::author::Crate;

#[test]
fn a_copy_of_the_stub_with_another_name_is_a_venue() {
    let author = Crate::copy_of("plugins/stub", "my-venue-of-my-own");
    let library = author.build();
    let none: [&Path; 0] = [];
    let json = ["--json", "--run-id", "mine"];
    let stub = run(json).flag("--exchange", "stub").end().with_code(0);

    let by_path = run(json).flag("--exchange", &library).end().with_code(0);
    assert_eq!(
        by_path.digest(),
        stub.digest(),
        "it does what the stub does"
    );
    assert_ne!(
        by_path.summary()["plugin"]["sha256"],
        stub.summary()["plugin"]["sha256"]
    );

    let dir = library.parent().unwrap();
    let by_name = run(json)
        .flag("--exchange", "my-venue-of-my-own")
        .flag("--plugin-dir", dir)
        .end()
        .with_code(0);
    assert_eq!(by_name.summary()["plugin"], by_path.summary()["plugin"]);

    let near = run(none)
        .flag("--exchange", "my-venue-of-my-onw")
        .flag("--plugin-dir", dir)
        .end()
        .with_code(4);
    assert!(
        near.stderr.contains("did you mean `my-venue-of-my-own`?"),
        "{}",
        near.stderr
    );
}
