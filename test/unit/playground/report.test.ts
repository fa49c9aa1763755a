/** What the page says about Services that two states treat differently. */
import { expect, test } from "vitest";
import type { InputFile } from "../../../runtime/playground/protocol.ts";
import { answerFor } from "../../../runtime/playground/worker/answers.ts";
import { exampleManifests } from "../../support/examples.ts";
import { some } from "../../support/runs.ts";

type Change = (text: string) => string;

/** By what it changes in the shop: the Services that differ, each with what differs. */
const CHANGES: readonly (readonly [change: string, make: Change, wanted: readonly unknown[]])[] = [
  [
    "a port",
    (text) => text.replace("port: 80, targetPort: http", "port: 8080, targetPort: http"),
    [
      {
        service: "shop/api:http",
        differences: [
          "ports: - 10.96.0.20:80/tcp, - [fd00:10:96::20]:80/tcp, + 10.96.0.20:8080/tcp, + [fd00:10:96::20]:8080/tcp",
        ],
      },
    ],
  ],
  [
    "a Service that is not there any more",
    (text) => text.replace(/# For partners only.*/s, ""),
    [{ service: "shop/partners:http", differences: [expect.stringMatching(/^missing: - .*10\.96\.0\.40:80/)] }],
  ],
  [
    "an endpoint's port",
    (text) => text.replace("port: 80, targetPort: 8080, nodePort: 30123", "port: 80, targetPort: 81, nodePort: 30123"),
    [{ service: "shop/web:http", differences: [1, 2].map(() => expect.stringMatching(/^endpoints: - web-1 /)) }],
  ],
];

test.each(some(CHANGES, 2))("%s", async (_, make, wanted) => {
  const before: InputFile[] = exampleManifests();
  const files = before.map(({ name, text }) => ({ name, text: make(text) }));
  const answer = await answerFor("diff", { files, before, question: "", branch: 0, mode: "nftables", node: "" });
  if (answer.view !== "diff") throw new Error("asked for a difference");
  expect(answer.report?.services).toEqual(wanted);
});
