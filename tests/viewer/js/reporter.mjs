// Writes one line of JSON for each test, for the collector in conftest.py.

export default async function* report(events) {
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const error = data.details?.error;
    const reason = error?.cause?.stack ?? error?.cause ?? error?.stack;
    const problem = type === "test:fail" ? String(reason ?? "failed") : null;
    yield `${JSON.stringify({ name: data.name, problem })}\n`;
  }
}
