// Makes what the binary serves under /assets/. Run by build.rs:
//
//   node build.mjs FOLDER_WITH_NODE_MODULES OUTPUT_FOLDER
//
// Every file is named by its content, so it can be cached for ever, and is described in `assets.rs`.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [npm, out] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const modules = join(npm, "node_modules");
const frontend = join(modules, "govuk-frontend", "dist", "govuk");
const sass = createRequire(join(npm, "package.json"))("sass");

const types = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".ico": "image/x-icon",
  ".png": "image/png",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
};
const compressible = new Set([".css", ".js", ".svg", ".ico"]);

/** Which look may serve a file: only gov.uk services may serve the crown and GDS Transport. */
const PLAIN = "Some(Look::Plain)";
const GOVUK = "Some(Look::Govuk)";
const BOTH = "None";

const assets = [];
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

/** Writes one file, by its content's name, and returns that name. */
function add(name, look, content, constant = null) {
  const extension = extname(name);
  const bytes = Buffer.from(content);
  const hash = createHash("sha256").update(bytes).digest("hex");
  const file = `${basename(name, extension)}-${hash.slice(0, 16)}${extension}`;
  writeFileSync(join(out, file), bytes);
  const smaller = (suffix, made) => {
    if (!compressible.has(extension) || made.length >= bytes.length) return false;
    writeFileSync(join(out, file + suffix), made);
    return true;
  };
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  const brotli = smaller(".br", brotliCompressSync(bytes, { params }));
  const gzip = smaller(".gz", gzipSync(bytes, { level: 9 }));
  assets.push({ name, constant, file, hash, type: types[extension], look, brotli, gzip });
  return file;
}

/** Puts each added file's name in place of the path that GOV.UK Frontend knows it by. */
function rename(text, paths) {
  for (const [path, file] of Object.entries(paths)) text = text.replaceAll(path, file);
  return text;
}

function style(name) {
  const { css } = sass.compile(join(here, name), {
    style: "compressed",
    loadPaths: [modules],
    logger: { warn: (message) => { throw new Error(`${name}: ${message}`); } },
  });
  return css;
}

const fromFrontend = (path) => readFileSync(join(frontend, path));
const own = (path) => readFileSync(join(here, path), "utf8");

const images = {};
for (const path of [
  "fonts/light-94a07e06a1-v2.woff2",
  "fonts/light-f591b13f7d-v2.woff",
  "fonts/bold-b542beb274-v2.woff2",
  "fonts/bold-affa96571d-v2.woff",
  "images/govuk-crest.svg",
]) {
  images[`/assets/${path}`] = `/assets/${add(basename(path), GOVUK, fromFrontend(`assets/${path}`))}`;
}
add("favicon.ico", GOVUK, fromFrontend("assets/images/favicon.ico"), "FAVICON_GOVUK_ICO");
add("favicon.svg", GOVUK, fromFrontend("assets/images/favicon.svg"), "FAVICON_GOVUK");
add("govuk-icon-mask.svg", GOVUK, fromFrontend("assets/images/govuk-icon-mask.svg"), "ICON_MASK_GOVUK");
add("govuk-icon-180.png", GOVUK, fromFrontend("assets/images/govuk-icon-180.png"), "ICON_TOUCH_GOVUK");
add("favicon.svg", PLAIN, own("favicon.svg"), "FAVICON_PLAIN");

// The crown and "GOV.UK" of the header, as GOV.UK Frontend itself renders them.
const header = fromFrontend("components/header/template-default.html").toString();
const logos = header.match(/<svg[^]*?<\/svg>/g) ?? [];
if (logos.length !== 1 || !logos[0].includes("govuk-header__logotype")) {
  throw new Error("GOV.UK Frontend's header doesn't hold its logo where build.mjs looks for it");
}
const logo = logos[0].replace(/\s+/g, " ").replaceAll("> <", "><");

const plain = style("plain.scss");
const govuk = rename(style("govuk.scss"), images);
for (const [name, css] of Object.entries({ plain, govuk })) {
  const left = css.match(/\/assets\/(fonts|images)\/[^)"]*/);
  if (left) throw new Error(`${name}.scss refers to ${left[0]}, which build.mjs doesn't serve: add it`);
}
add("plain.css", PLAIN, plain, "STYLE_PLAIN");
add("govuk.css", GOVUK, govuk, "STYLE_GOVUK");

// The source map is not served, so the script must not name it.
const script = fromFrontend("govuk-frontend.min.js").toString().replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "\n");
const module = add("govuk-frontend.min.js", BOTH, script);
add("init.js", BOTH, rename(own("init.js"), { "govuk-frontend.min.js": module }), "INIT_JS");
add("supported.js", BOTH, own("supported.js"), "SUPPORTED_JS");

const text = JSON.stringify; // these names and hashes need no escape that Rust spells otherwise
const included = (file) => `include_bytes!(${text(file)})`;
const perhaps = (there, file) => (there ? `Some(${included(file)})` : "None");
const lines = ["// Written by src/web/assets/build.mjs.", ""];
for (const a of assets.filter((a) => a.constant)) {
  lines.push(`/// Where \`${a.name}\` is served.`);
  lines.push(`pub(super) const ${a.constant}: &str = ${text(`/assets/${a.file}`)};`);
}
lines.push("", "/// The logo of the header, as HTML.", `pub(super) const LOGO_GOVUK: &str = ${text(logo)};`);
lines.push("", "/// Every file that is served, for either look.", "pub(super) static ASSETS: &[Asset] = &[");
for (const a of assets) {
  lines.push(
    `    Asset { file: ${text(a.file)}, content_type: ${text(a.type)}, look: ${a.look},`,
    `        sha256: ${text(a.hash)}, bytes: ${included(a.file)},`,
    `        brotli: ${perhaps(a.brotli, `${a.file}.br`)}, gzip: ${perhaps(a.gzip, `${a.file}.gz`)} },`,
  );
}
lines.push("];", "");
writeFileSync(join(out, "assets.rs"), lines.join("\n"));
