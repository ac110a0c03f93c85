// The pages of the built site, but the API reference, through axe in a headless Chromium: `make accessibility`.
// A serious finding is a failure, and so is a site without pages.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [site, modules] = process.argv.slice(2).map((folder) => resolve(folder));
const require = createRequire(join(modules, "package.json"));
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const pages = readdirSync(site, { recursive: true }).filter((name) => name.endsWith(".html") && !/^(_|api\/)/.test(name));
const browser = await require("puppeteer-core").launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
let serious = 0;
for (const name of pages.sort()) {
  const page = await browser.newPage();
  await page.setBypassCSP(true);
  await page.goto(`file://${join(site, name)}`, { waitUntil: "load" });
  await new Promise((done) => setTimeout(done, 500));
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { iframes: false, resultTypes: ["violations"] }));
  for (const { id, impact, nodes } of violations.filter((found) => ["serious", "critical"].includes(found.impact))) {
    console.log(`${name}: ${impact}, ${id}, ${nodes.length} times, first ${nodes[0].html.slice(0, 120)}`);
    serious += 1;
  }
  await page.close();
}
await browser.close();
console.log(`${pages.length} pages, ${serious} serious findings`);
process.exitCode = pages.length && !serious ? 0 : 1;
