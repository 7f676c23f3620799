//! A streamed answer, read after its end: events, and where in the body each of them was complete.
//!
//! Source: WHATWG HTML, "Server-sent events"; vendors use `event`, `data` and comments.

/// One event of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'body> {
    /// Its name; empty where the vendor gives none.
    pub name: &'body str,
    /// Its data; vendors send one line of JSON.
    pub data: &'body str,
    /// Bytes of the body up to its end.
    pub end: usize,
}

/// The events of a body; what is no event, such as comments that keep a connection open, is left out.
pub fn events(body: &str) -> Vec<Event<'_>> {
    let (mut events, mut name, mut data, mut end) = (Vec::new(), "", None, 0);
    for line in body.split_inclusive('\n') {
        end += line.len();
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            if let Some(data) = data.take() {
                events.push(Event { name, data, end });
            }
            name = "";
        } else if let Some(value) = line.strip_prefix("event:") {
            name = value.trim_start();
        } else if let Some(value) = line.strip_prefix("data:") {
            data = Some(value.trim_start());
        }
    }
    // The last one may lack its empty line.
    events.extend(data.map(|data| Event { name, data, end }));
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_with_their_ends_and_comments_are_not_events() {
        let body = ": keep-alive\n\nevent: ping\ndata: {}\n\ndata: {\"a\":1}\r\n\r\ndata: [DONE]";
        let said: Vec<(&str, &str)> = events(body)
            .iter()
            .map(|event| (event.name, event.data))
            .collect();
        assert_eq!(said, [("ping", "{}"), ("", "{\"a\":1}"), ("", "[DONE]")]);
        assert_eq!(
            &body[..events(body)[0].end],
            ": keep-alive\n\nevent: ping\ndata: {}\n\n"
        );
    }
}
