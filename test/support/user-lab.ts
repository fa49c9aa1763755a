/** A program that makes a lab of a regular cluster: it is bundled, and run as an ordinary user. Arguments: nodes, pods, Services. It prints
 *  how many connections of pods to Services were served, and how many not. */
import { PacketLab } from "../../runtime/lab/lab.ts";
import { connectAll } from "./connect-all.ts";
import { describeGrid } from "./grid-cluster.ts";

const [nodes = 0, pods = 0, services = 0] = process.argv.slice(2).map(Number);
const { layout, programOf } = describeGrid({ nodes, pods, services, network: "bridge" });
const lab = await PacketLab.up(layout.network, programOf);
const answers = await connectAll(lab, layout.network, { pods, services: Math.min(services, pods) });
const served = answers.filter(Boolean).length;
console.log(`uid ${process.getuid?.()}: ${served} served, ${answers.length - served} not`);
lab.close();
