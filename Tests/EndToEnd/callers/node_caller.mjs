// Node's own fetch as it comes: it sends Sec-Fetch-Mode, though it is no browser.
//
//     node node_caller.mjs URL KEY
//
// Prints the status and the answer of a chat call, whole and as a stream, then those of /healthz.
const [url, key] = process.argv.slice(2);

async function chat(more) {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: JSON.stringify({ messages: [{ role: "user", content: "hello from Node" }], ...more }),
  });
  console.log(response.status, JSON.stringify(await response.text()));
}

await chat({});
await chat({ stream: true });
const health = await fetch(`${url}/healthz`);
console.log(health.status, JSON.stringify(await health.text()));
