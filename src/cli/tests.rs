//! The command line is sound, and knows every command of the surface.

use super::*;

#[test]
fn the_definition_is_sound() {
    definition().debug_assert();
}

#[test]
fn every_command_of_the_surface_is_there() {
    let known: Vec<String> = definition().get_subcommands().map(|c| c.get_name().to_owned()).collect();
    for name in [
        "serve",
        "fetch",
        "check",
        "add",
        "remove",
        "parse",
        "status",
        "search",
        "explain",
        "replay",
        "import",
        "export",
        "backup",
        "restore",
        "schema",
        "demo",
        "completions",
        "man",
    ] {
        assert!(known.iter().any(|k| k == name), "{name}");
    }
}
