// Reads {name: html} from standard input; writes the features that some client does not support: [[feature, client]].
import { caniemail } from "caniemail";
import { text } from "node:stream/consumers";

// The families that the data knows every feature of
const clients = ["aol.*", "apple-mail.*", "gmail.*", "outlook.*", "samsung-email.*", "yahoo.*"];

const found = new Set();
for (const html of Object.values(JSON.parse(await text(process.stdin)))) {
  for (const [client, issues] of caniemail({ clients, html }).issues.errors) {
    for (const issue of issues) found.add(JSON.stringify([issue.title, client]));
  }
}
console.log(`[${[...found].join(",")}]`);
