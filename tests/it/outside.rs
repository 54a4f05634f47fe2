//! A stranger's adapter: a crate outside the workspace, built against the plugin API alone, run by a host
//! that was not rebuilt.

use investbot_tests::author::Crate;
use investbot_tests::run::run;

#[test]
fn a_copy_of_the_stub_under_another_name_runs() {
    let author = Crate::copy_of("plugins/stub", "far-away");
    author.rename_plugin("stub", "far-away");
    let library = author.build();
    let path = library.to_str().expect("a temporary path is text");
    let by_path = run(&["--exchange", path, "--json"])
        .output()
        .expect(0)
        .summary();
    assert_eq!(by_path["plugin"]["id"], "far-away");
    assert!(by_path["result"]["fills"].as_u64().unwrap() > 0);

    let dir = library.parent().unwrap().to_str().unwrap();
    let by_name = run(&["--exchange", "far-away", "--plugin-dir", dir, "--json"]).output();
    assert_eq!(
        by_name.expect(0).digest(),
        by_path["report_digest"].as_str().unwrap()
    );
}
