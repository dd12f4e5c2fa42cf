//! Questions about many mappings: each server is asked about its own mappings, all servers at once, so that none waits
//! for another.

use std::future::Future;

use futures_util::future::join_all;

use crate::domain::config::Mapping;
use crate::domain::ids::SourceName;

/// The mappings of one server, with their positions among all mappings.
#[derive(Debug, Clone)]
pub(in crate::engine::answers) struct OfServer {
    pub server: Option<SourceName>,
    pub mappings: Vec<Mapping>,
    places: Vec<usize>,
}

pub(in crate::engine::answers) fn by_server(mappings: &[Mapping]) -> Vec<OfServer> {
    let mut servers: Vec<OfServer> = Vec::new();
    for (place, mapping) in mappings.iter().enumerate() {
        let server = &mapping.source.server;
        match servers.iter_mut().find(|known| known.server == *server) {
            Some(known) => {
                known.mappings.push(mapping.clone());
                known.places.push(place);
            }
            None => {
                servers.push(OfServer { server: server.clone(), mappings: vec![mapping.clone()], places: vec![place] });
            }
        }
    }
    servers
}

/// The answer of `ask` for each mapping of each server, in the order of the mappings.
pub(in crate::engine::answers) async fn each_server<T, F>(mappings: &[Mapping], ask: impl Fn(OfServer) -> F) -> Vec<T>
where
    F: Future<Output = Vec<T>>,
{
    let asked = by_server(mappings).into_iter().map(|of| {
        let (places, answers) = (of.places.clone(), ask(of));
        async move { places.into_iter().zip(answers.await).collect::<Vec<_>>() }
    });
    let mut answers: Vec<_> = join_all(asked).await.into_iter().flatten().collect();
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::domain::config::parse;

    #[tokio::test]
    async fn answers_come_in_the_order_of_the_mappings_across_servers() {
        let mapping = |name: &str, source: &str| {
            format!("  - {{name: {name}, source: {source}, mysql_table: {name}, incremental_column: id}}\n")
        };
        let mappings = [mapping("a", "eu"), mapping("b", "us"), mapping("c", "eu")].concat();
        let text = format!("project: demo\ndataset: shop\nsources: {{eu: {{}}, us: {{}}}}\nmappings:\n{mappings}");
        let config = parse(&text, Path::new("config.yaml"), &|_| None).unwrap();
        let said = each_server(&config.mappings, |of| async move {
            let told = |mapping: &Mapping| format!("{}: {} of {}", of.places.len(), mapping.name, mapping.source);
            of.mappings.iter().map(told).collect()
        });
        assert_eq!(said.await, ["2: a of eu:a", "1: b of us:b", "2: c of eu:c"]);
    }
}
