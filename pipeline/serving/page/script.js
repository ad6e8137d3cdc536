"use strict";

const find = (id) => document.getElementById(id);

// What the card has for programs, thousands of numbers long.
const HIDDEN = new Set(["weights", "files", "diagram", "sha256"]);

/** Makes an element with properties and children; texts are never read as HTML. */
function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function makeRow(heading, ...cells) {
  const row = make("tr", {}, make("th", { scope: "row" }, heading));
  row.append(...cells.map((cell) => make("td", {}, cell)));
  return row;
}

const percent = (probability) => `${(100 * probability).toFixed(1)} %`;

/** Asks the server; throws an error with its message. */
async function ask(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch {
    throw new Error("The server does not answer.");
  }
  const content = await response.json();
  if (!response.ok) throw new Error(content.error);
  return content;
}

async function showModel() {
  let model;
  try {
    model = await ask("page/model");
  } catch (error) {
    find("serving").textContent = error.message;
    return;
  }
  const { height, width, classes, card, version, versions } = model;
  find("serving").textContent =
    `${model.name}, version ${version}: ${height} x ${width} pixels, ${classes.join(", ")}`;
  const pushed = new Date(1000 * version);
  const facts = {
    version,
    pushed: pushed.getFullYear() > 2000 ? pushed.toLocaleString() : "unknown",
    "also loaded": versions.filter((other) => other !== version).join(", ") || "none",
    classes: classes.join(", "),
    spectrogram: `${height} rows (time) x ${width} columns (frequency)`,
    identity: card.model_id,
  };
  find("facts").replaceChildren(
    ...Object.entries(facts).map(([name, value]) => makeRow(name, value ?? "unknown")),
  );
  find("card").hidden = !model.has_card_page;
  find("values").replaceChildren(makeTable(card));
  find("model").hidden = false;
}

/** Makes a table of an object, with tables of the objects in it. */
function makeTable(object) {
  const rows = Object.entries(object)
    .filter(([name]) => !HIDDEN.has(name))
    .map(([name, value]) => makeRow(name.replaceAll("_", " "), describe(value)));
  return make("table", {}, make("tbody", {}, ...rows));
}

function describe(value) {
  const isObject = value !== null && typeof value === "object";
  if (Array.isArray(value)) {
    const simple = value.every((item) => item === null || typeof item !== "object");
    return simple ? value.join(", ") || "none" : JSON.stringify(value);
  }
  if (isObject) return Object.keys(value).length ? makeTable(value) : "none";
  return value === null || value === "" ? "none" : String(value);
}

/** Makes the bar of a probability. */
function makeBar(probability) {
  const names = "http://www.w3.org/2000/svg";
  const bar = document.createElementNS(names, "svg");
  bar.setAttribute("aria-hidden", "true");
  const filled = document.createElementNS(names, "rect");
  filled.setAttribute("width", `${Math.max(100 * probability, 0.3)}%`);
  filled.setAttribute("height", "100%");
  bar.append(filled);
  return bar;
}

function makeAnswer(file, answer) {
  const what = `Spectrogram ${answer.place || file}, classified as ${answer.class}`;
  const bars = Object.entries(answer.probabilities).map(([name, probability]) => {
    const row = makeRow(name, makeBar(probability), percent(probability));
    row.classList.toggle("chosen", name === answer.class);
    return row;
  });
  return make("article", { className: "answer" },
    make("figure", {},
      make("span", { className: "time" }, "time"),
      make("img", { src: answer.picture, alt: what }),
      make("figcaption", { className: "frequency" },
        make("span", {}, "frequency"), make("span", {}, answer.place)),
    ),
    make("h3", {}, answer.class, make("span", { className: "score" }, percent(answer.score))),
    make("table", { className: "bars" }, make("tbody", {}, ...bars)),
  );
}

function makeAnswers(file, result) {
  return make("section", {},
    make("h2", {}, file),
    make("p", { className: "quiet" }, [`Version ${result.version} answered.`, ...result.notes].join(" ")),
    make("div", { className: "answers" },
      ...result.spectrograms.map((answer) => makeAnswer(file, answer))),
  );
}

function makeError(file, message) {
  return make("section", {}, make("h2", {}, file), make("p", { className: "bad" }, message));
}

/** Classifies files one after another; the answers come above those of earlier files. */
async function classify(files) {
  let images = 0, failed = 0;
  const answers = make("div");
  find("results").prepend(answers);
  for (const file of files) {
    find("status").textContent = `Classifying ${file.name}`;
    try {
      const address = `page/classify?name=${encodeURIComponent(file.name)}`;
      const result = await ask(address, { method: "POST", body: file });
      answers.append(makeAnswers(file.name, result));
      images += result.spectrograms.length;
    } catch (error) {
      answers.append(makeError(file.name, error.message));
      failed += 1;
    }
  }
  const refused = failed ? `, ${failed} of ${files.length} files refused` : "";
  find("status").textContent = `${images} ${images === 1 ? "spectrogram" : "spectrograms"} classified${refused}`;
  await showModel(); // Another version may answer now.
}

function listen() {
  const drop = find("drop");
  let depth = 0; // Entering a child comes before leaving its parent.
  const mark = () => drop.classList.toggle("over", depth > 0);
  addEventListener("dragenter", (event) => { event.preventDefault(); depth += 1; mark(); });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("dragleave", () => { depth -= 1; mark(); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    mark();
    classify([...event.dataTransfer.files]);
  });
  find("files").addEventListener("change", (event) => {
    classify([...event.target.files]);
    event.target.value = ""; // The same file can be chosen again.
  });
}

listen();
showModel();
