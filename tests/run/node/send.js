// Sends one call of each kind with Segment's own library, and waits until all of them are sent.
import { Analytics } from "@segment/analytics-node";

const [host, writeKey] = process.argv.slice(2);
const analytics = new Analytics({ host, writeKey, flushAt: 4, maxRetries: 3 });
const failed = [];
analytics.on("error", (error) => failed.push(error));

const who = { userId: "u-node", anonymousId: "a-node" };
analytics.identify({ ...who, messageId: "node-identify", traits: { plan: "pro", city: "Zürich" } });
analytics.track({
  ...who,
  messageId: "node-track",
  event: "Order Completed",
  properties: { total: 12.5, lines: [{ sku: "a", n: 2 }] },
  timestamp: new Date("2026-11-24T10:00:00.123Z"),
});
analytics.page({ ...who, messageId: "node-page", category: "Docs", name: "Events", properties: { path: "/events" } });
analytics.screen({ ...who, messageId: "node-screen", name: "Basket", properties: { items: 3 } });
analytics.group({ ...who, messageId: "node-group", groupId: "g-1", traits: { seats: 4 } });
analytics.alias({ messageId: "node-alias", userId: "u-node", previousId: "a-before" });

await analytics.flush({ close: true });
if (failed.length > 0) {
  console.error(failed);
  process.exit(1);
}
