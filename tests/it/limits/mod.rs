//! What happens when something is full, taken or switched off: a clear answer, nothing acknowledged lost, and on it goes.

mod connections;
mod disk_full;
mod power_loss;

/// Runs one ignored test of this program in a process of its own, as `wrapper … program --exact NAME`.
pub(crate) fn child(wrapper: &[&str], name: &str, variables: &[(&str, &str)]) -> std::process::Command {
    let program = std::env::current_exe().unwrap();
    let mut command = match wrapper {
        [] => std::process::Command::new(program),
        [first, rest @ ..] => {
            let mut command = std::process::Command::new(first);
            command.args(rest).arg(program);
            command
        }
    };
    command
        .args(["--exact", name, "--ignored", "--nocapture"])
        .envs(variables.iter().copied());
    command
}
