// Reads {name: html} from standard input; writes what html-validate has against each: [[name, rule, place, message]].
import { HtmlValidate } from "html-validate";
import { text } from "node:stream/consumers";

const validator = new HtmlValidate({
  root: true,
  extends: ["html-validate:recommended", "html-validate:a11y"],
  rules: {
    "heading-level": "error",
    // What mail clients need and web pages do not
    "no-inline-style": "off",
    "no-conditional-comment": "off",
    "no-deprecated-attr": "off",
    "prefer-native-element": "off",
    "prefer-tbody": "off",
    // A subject is as long as it is
    "long-title": "off",
  },
});

const found = [];
for (const [name, html] of Object.entries(JSON.parse(await text(process.stdin)))) {
  const report = await validator.validateString(html, name);
  for (const result of report.results) {
    for (const one of result.messages) found.push([name, one.ruleId, `${one.line}:${one.column}`, one.message]);
  }
}
console.log(JSON.stringify(found));
