use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::{
    Error,
    lines::{Ran, Said, read_commands, say},
};

/// What the bench tells an end that holds many sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Hold a session bound to each of these endpoints, and answer whatever comes over it.
    Bind(Vec<String>),
    /// Hold a session connected to each of these, and say so when all peers are there.
    Connect(Vec<String>),
    /// Send something small over each session that is connected, and wait for all answers.
    Exchange,
}

/// Sessions that are held.
#[allow(async_fn_in_trait, reason = "the futures stay on the thread that made them")]
pub trait Holding {
    /// Binds one more, and gives where it is. It answers from then on.
    async fn bind(&mut self, endpoint: &str) -> Result<String, Error>;

    /// Connects one more, until its peer is there.
    async fn connect(&mut self, endpoint: &str) -> Result<(), Error>;

    /// Sends something small over each that is connected, one after the other, and waits for its answer.
    async fn exchange(&mut self) -> Result<(), Error>;
}

/// Holds sessions until the input ends, on a runtime of one thread. It is ready at once, with none.
pub fn hold(holding: impl Holding) -> ExitCode {
    let held = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(obey(holding))
    };
    match held() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&Said::Failed(error.to_string()));
            ExitCode::FAILURE
        }
    }
}

async fn obey(mut holding: impl Holding) -> Result<(), Error> {
    let (commands_in, mut commands) = mpsc::unbounded_channel();
    read_commands(move |command| {
        // What obeys has failed if nobody listens, and has said so.
        let _ = commands_in.send(command);
    });
    say(&Said::Ready { endpoint: String::new() });
    while let Some(command) = commands.recv().await {
        match command {
            Hold::Bind(endpoints) => {
                let mut bound = Vec::with_capacity(endpoints.len());
                for endpoint in endpoints {
                    bound.push(holding.bind(&endpoint).await?);
                }
                say(&Said::Held(bound));
            }
            Hold::Connect(endpoints) => {
                for endpoint in &endpoints {
                    holding.connect(endpoint).await?;
                }
                say(&Said::Held(endpoints));
            }
            Hold::Exchange => {
                holding.exchange().await?;
                say(&Said::Ran(Ran::default()));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_these_lines() {
        for (command, line) in [
            (Hold::Bind(vec!["tcp://127.0.0.1:0".into()]), r#"{"bind":["tcp://127.0.0.1:0"]}"#),
            (Hold::Connect(vec!["ipc:///a".into()]), r#"{"connect":["ipc:///a"]}"#),
            (Hold::Exchange, r#""exchange""#),
        ] {
            assert_eq!(serde_json::to_string(&command).unwrap(), line);
            assert_eq!(serde_json::from_str::<Hold>(line).unwrap(), command);
        }
    }
}
