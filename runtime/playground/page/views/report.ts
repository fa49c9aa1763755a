/** Verify and Diff: the verdict, what differs for each Service, and packets that show it. */
import type { ComparisonReport, DiffAnswer, ExamplePacket, ExampleSide, VerifyAnswer } from "../../protocol.ts";
import { byId, h } from "../dom.ts";
import { nothing, placeButton, type ViewContext } from "./context.ts";

export function verifyView({ dumps, refusal, report }: VerifyAnswer, context: ViewContext): HTMLElement {
  if (dumps.length === 0) return addDump();
  if (refusal !== undefined) return nothing(refusal);
  if (report === undefined) return nothing("The manifests or the rules have errors: see Check.");
  const host = dumps.join(", ");
  return reportElement(report, `the manifests and ${host}`, ["the manifests say", `${host} does`], context);
}

/** How to have something to verify. */
function addDump(): HTMLElement {
  const open = h("button", { type: "button" }, "Open a file");
  open.addEventListener("click", () => byId("open").click());
  const told = nothing(
    "Add a file with the rules of a host: what iptables-save or nft list ruleset prints there. Drop it here, paste it into a new file, or ",
  );
  told.append(open);
  return told;
}

/** `keep`: takes the files as the state that is compared with. */
export function diffView({ report }: DiffAnswer, context: ViewContext, keep: () => void): HTMLElement {
  const button = h("button", { type: "button" }, "Keep as before");
  button.addEventListener("click", keep);
  return h(
    "div",
    {},
    h("div", { class: "bar" }, button, h("span", {}, "compares the rules with those of the files that were kept")),
    report === undefined
      ? nothing("One of the states has errors.")
      : reportElement(report, "before and now", ["before", "now"], context),
  );
}

type SideNames = readonly [string, string];

/** `compared`: both sides, for the verdict; `names`: of their columns. */
function reportElement(
  { verdict, services, examples, text }: ComparisonReport,
  compared: string,
  names: SideNames,
  context: ViewContext,
): HTMLElement {
  const isEqual = verdict === "equal";
  return h(
    "div",
    {},
    h("p", { class: `verdict ${isEqual ? "fine" : "lost"}` }, `${isEqual ? "✓" : "≠"} ${verdict}: ${compared}`),
    services.length === 0 ? undefined : serviceTable(services),
    ...examples.slice(0, MOST_EXAMPLES).map((example) => exampleElement(example, names, context)),
    h("details", {}, h("summary", {}, "The whole report"), h("pre", { class: "report", tabindex: 0 }, text)),
  );
}

/** More are in the report. */
const MOST_EXAMPLES = 8;

function serviceTable(services: ComparisonReport["services"]): HTMLElement {
  const head = h("tr", {}, ...["Service", "what differs"].map((name) => h("th", { scope: "col" }, name)));
  const rows = services.map(({ service, differences }) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, service),
      h("td", {}, ...differences.map((difference) => h("p", {}, difference))),
    ),
  );
  return h("table", { class: "matrix" }, h("thead", {}, head), h("tbody", {}, ...rows));
}

function exampleElement({ packet, sides }: ExamplePacket, names: SideNames, context: ViewContext): HTMLElement {
  return h(
    "section",
    { class: "example" },
    packet === null
      ? h("h3", {}, "packets of a set")
      : h("h3", {}, h("code", {}, packet), " ", followButton(packet, context)),
    h("div", { class: "sides" }, ...sides.map((side, i) => sideElement(side, names[i] ?? "", context))),
  );
}

function followButton(packet: string, context: ViewContext): HTMLElement {
  const button = h("button", { type: "button" }, "Follow it");
  button.addEventListener("click", () => context.ask(questionOf(packet)));
  return button;
}

function sideElement({ outcomes, rules }: ExampleSide, name: string, context: ViewContext): HTMLElement {
  return h(
    "div",
    { class: "side" },
    h("h4", {}, name),
    h(
      "ul",
      {},
      ...outcomes.map(({ text, probability }) =>
        h(
          "li",
          {},
          h("meter", { value: probability, "aria-label": "chance" }),
          ` ${(probability * 100).toFixed(0)} % ${text}`,
        ),
      ),
    ),
    ...rules.map(({ text, place }) => h("p", {}, h("code", {}, text), " ", place && placeButton(place, context))),
  );
}

/** A packet through the whole cluster has no interface that it comes in by. */
function questionOf(packet: string): string {
  return packet.replace(/ (?:iif \S+|mark \S+)/g, "");
}
