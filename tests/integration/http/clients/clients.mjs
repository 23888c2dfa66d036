// Reranks with each client of Node's and prints the index of the best document by the client's name.
import { request } from "node:http";
import { CohereClient, CohereClientV2 } from "cohere-ai";
import { VoyageAIClient } from "voyageai";

const [url, key, model, query, ...documents] = process.argv.slice(2);
const body = JSON.stringify({ model, query, documents });
const headers = { "content-type": "application/json", authorization: `Bearer ${key}` };

async function withFetch() {
  const answer = await fetch(`${url}/v1/rerank`, { method: "POST", headers, body });
  return (await answer.json()).results[0].index;
}

function withHttp() {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/v1/rerank`, { method: "POST", headers }, async (answer) => {
      const chunks = await answer.toArray();
      resolve(JSON.parse(Buffer.concat(chunks)).results[0].index);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function withCohere(Client) {
  const answer = await new Client({ token: key, environment: url, baseUrl: url }).rerank({ model, query, documents });
  return answer.results[0].index;
}

async function withVoyage() {
  const client = new VoyageAIClient({ apiKey: key, environment: `${url}/v1`, baseUrl: `${url}/v1` });
  const answer = await client.rerank({ model, query, documents, returnDocuments: true });
  if (answer.data[0].document !== documents[answer.data[0].index]) throw new Error("another document");
  return answer.data[0].index;
}

console.log(
  JSON.stringify({
    fetch: await withFetch(),
    http: await withHttp(),
    cohere: await withCohere(CohereClient),
    "cohere v2": await withCohere(CohereClientV2),
    voyage: await withVoyage(),
  }),
);
