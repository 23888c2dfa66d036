// Walks an engine's API with its own client, and prints what it saw.
// Usage: node walk.mjs CLIENT URL INDEX QUERY, where CLIENT is opensearch, elasticsearch8 or elasticsearch9
const [client_name, node, index, text] = process.argv.slice(2);
const isElastic = client_name !== "opensearch";
const { Client } = await import(isElastic ? client_name : "@opensearch-project/opensearch");
const client = new Client({ node, maxRetries: 0 });
const body = { query: { match: { body: text } }, size: 5 };
// OpenSearch's client wraps bodies, Elasticsearch's gives them as they are and takes them flat
const of = (answer) => (isElastic ? answer : answer.body);
const asked = (more) => (isElastic ? { index, ...body, ...more } : { index, body: { ...body, ...more } });
const ids = (found) => found.hits.hits.map((hit) => hit._id);
const refusal = async (call) => {
  try {
    await call();
  } catch (error) {
    return error.statusCode;
  }
  return null;
};

const seen = {};
seen.version = of(await client.info()).version.number;
seen.ping = of(await client.ping());
const found = of(await client.search(asked({})));
seen.ids = ids(found);
seen.outcome = found.ext.jrerank.outcome;
seen.count = of(await client.count(isElastic ? { index, query: body.query } : { index, body: { query: body.query } })).count;
const lines = [{ index }, body, { index }, { ...body, size: 2 }];
seen.several = of(await client.msearch(isElastic ? { searches: lines } : { body: lines })).responses.map(ids);

const first = of(await client.search({ ...asked({}), scroll: "1m" }));
const next = of(await client.scroll(isElastic ? { scroll_id: first._scroll_id, scroll: "1m" } : { body: { scroll_id: first._scroll_id, scroll: "1m" } }));
seen.scrolled = new Set([...ids(first), ...ids(next)]).size;
const clearing = { scroll_id: next._scroll_id };
await client.clearScroll(isElastic ? clearing : { body: clearing });

if (!isElastic) {
  const { pit_id } = of(await client.createPit({ index, keep_alive: "1m" }));
  seen.pit = ids(of(await client.search({ body: { ...body, pit: { id: pit_id } } })));
  await client.deletePit({ body: { pit_id: [pit_id] } });
}
const template = { source: { query: { match: { body: "{{text}}" } }, size: 5 }, params: { text } };
seen.template = ids(of(await client.searchTemplate(isElastic ? { index, ...template } : { index, body: template })));
seen.document = of(await client.get({ index, id: seen.ids[0] }))._id;
seen.exists = [of(await client.exists({ index, id: seen.ids[0] })), of(await client.exists({ index, id: "nobody" }))];
seen.refused = [
  await refusal(() => client.index(isElastic ? { index, id: "1", document: {} } : { index, id: "1", body: {} })),
  await refusal(() => client.indices.delete({ index })),
  await refusal(() => client.search({ ...asked({}), index: "elsewhere" })),
];
console.log(JSON.stringify(seen));
