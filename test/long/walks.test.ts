/** Walks through random clusters are those that packets make in network namespaces. */
import { describe, expect, test } from "vitest";
import { printAddressPort } from "../../compiler/net/address.ts";
import { kernelMissing } from "../support/kernel.ts";
import { disagreementsOf } from "../support/lab-walks.ts";
import { randomCluster } from "../support/random-clusters.ts";

const CLUSTERS = 40;
const FLOWS = 30;

describe.skipIf(kernelMissing !== undefined)("packets go through random clusters as predicted", () => {
  test.each(Array.from({ length: CLUSTERS }, (_, i) => i + 1))("cluster %i", async (seed) => {
    const { mutated, subject } = randomCluster(seed, FLOWS);
    const told = await disagreementsOf(subject);
    const named = told.map((each) => {
      const flow = subject.flows[Number.parseInt(each, 10)];
      return (
        flow && `${flow.from} > ${printAddressPort(flow.destination, flow.destinationPort)} (${flow.protocol}) ${each}`
      );
    });
    expect([mutated, ...named]).toEqual([mutated]);
  });
});
