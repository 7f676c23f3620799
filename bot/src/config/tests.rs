//! Settings as a person writes them, right and wrong.

use std::path::Path;

use secrecy::ExposeSecret as _;

use super::*;

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::merge(Some(Path::new("governor.toml")), Some(text), variables).map_err(|fault| fault.to_string())
}

#[test]
fn the_defaults_are_complete_and_valid() {
    let config = Config::defaults().unwrap();
    assert_eq!(config.server.listen.port(), 7070);
    assert_eq!(config.database_url(), "sqlite://data/governor.db");
    assert_eq!(config.calls_url(), "sqlite://data/calls.db");
    assert!(config.slack.bot_token.is_none());
}

#[test]
fn a_file_goes_before_the_defaults_and_the_environment_before_both() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\nburst = 5\n";
    let config = read(
        file,
        &[
            ("GOVERNOR_SERVER__LISTEN", "127.0.0.1:2"),
            ("GOVERNOR_SHARED", "x"),
        ],
    )
    .unwrap();
    assert_eq!(config.server.listen.port(), 2);
    assert_eq!(config.server.burst, 5);
}

#[test]
fn a_number_in_the_environment_is_a_number_where_one_belongs_and_text_elsewhere() {
    let variables = [
        ("GOVERNOR_SERVER__MAX_BODY_MIB", "8"),
        ("GOVERNOR_GATEWAYS__LITELLM_MAIN__ADMIN_KEY", "0123"),
    ];
    let config = read("", &variables).unwrap();
    assert_eq!(config.server.max_body_mib, 8);
    let key = config.gateways["litellm-main"].admin_key.as_ref().unwrap();
    assert_eq!(key.expose_secret(), "0123");
}

#[test]
fn a_secret_may_stand_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "xoxb-1\n").unwrap();
    let config = read("", &[("GOVERNOR_SLACK__BOT_TOKEN_FILE", path.to_str().unwrap())]).unwrap();
    assert_eq!(config.slack.bot_token.unwrap().expose_secret(), "xoxb-1");
    let missing = read("", &[("GOVERNOR_SLACK__BOT_TOKEN_FILE", "/nowhere")]).unwrap_err();
    assert!(
        missing.starts_with("GOVERNOR_SLACK__BOT_TOKEN_FILE: names the file /nowhere"),
        "{missing}"
    );
}

#[test]
fn secrets_do_not_show_when_settings_are_printed() {
    let config = read("[slack]\nbot_token = \"xoxb-very-secret\"\n", &[]).unwrap();
    assert!(!format!("{config:?}").contains("very-secret"));
}

#[test]
fn what_is_wrong_is_said_in_one_line_with_its_place_and_the_nearest_name() {
    let cases = [
        ("[server]\n\nlistn = \"x\"\n", &[][..]),
        ("[sever]\nlisten = \"x\"\n", &[]),
        ("data_dir = \"x\"\n", &[]),
        ("[server]\nlisten = \"somewhere\"\n", &[]),
        ("[server]\nburst = \"many\"\n", &[]),
        ("[schedule]\nbudgets = \"hourly\"\n", &[]),
        ("[slack]\nmode = \"socket\"\n", &[]),
        ("[database]\nurl = \"mysql://x\"\n", &[]),
        ("[server\n", &[]),
        ("", &[("GOVERNOR_DATABASE__URI", "sqlite://x")]),
        ("", &[("GOVERNOR_SIGN_IN__MODE", "oidc")]),
        ("[models.openai]\napi_key = \"x\"\n", &[]),
        ("", &[("GOVERNOR_SERVER__MAX_BODY_MIB", "0")]),
    ];
    let faults: Vec<String> = cases
        .iter()
        .map(|(text, env)| read(text, env).unwrap_err())
        .collect();
    insta::assert_snapshot!(faults.join("\n"), @r#"
    governor.toml:3: `server.listn` is no setting; did you mean `listen`?
    governor.toml:1: `sever` is no setting; did you mean `server`?
    governor.toml:1: `data_dir` is no setting; it belongs under [server]
    governor.toml:2: `server.listen` cannot be used: invalid socket address syntax; write address and port, 127.0.0.1:7070
    governor.toml:2: `server.burst` cannot be used: invalid type: found string "many", expected u32
    governor.toml:2: `schedule.budgets` cannot be used: `hourly` is no cron line of second minute hour day month weekday (0 0 9 * * Mon)
    governor.toml: `slack.bot_token` cannot be used: mode socket needs it; set it or its …_FILE in the environment
    governor.toml:2: `database.url` cannot be used: it must begin with sqlite:// or postgres://
    governor.toml:1: is not TOML: unclosed table, expected `]`
    GOVERNOR_DATABASE__URI: `database.uri` is no setting; did you mean `url`?
    GOVERNOR_SIGN_IN__MODE: `sign_in.mode` cannot be used: unknown variant: found `oidc`, expected ``link` or `pick``
    governor.toml: `models.openai.base_url` is missing
    GOVERNOR_SERVER__MAX_BODY_MIB: `server.max_body_mib` cannot be used: it must be 1 to 1024
    "#);
}
