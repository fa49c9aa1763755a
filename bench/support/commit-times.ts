/** When transactions of nf_tables came into force in this network namespace, as a process tells that asks for their number ten thousand times a second. Who
 *  asked without a pause would take the processor from those who make the transactions. */
import { type ChildProcess, spawn } from "node:child_process";

/** Prints the time (CLOCK_MONOTONIC, nanoseconds) at which a generation was first seen that differs from the last one. */
const WATCHER = `
use Socket;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC usleep);
socket my $netlink, 16, SOCK_RAW, 12 or die "netfilter: $!";
bind $netlink, pack 'SSLL', 16, 0, 0, 0 or die "netfilter: $!";
$| = 1;
my $parent = getppid;
my $last;
while (getppid == $parent) {
    send $netlink, pack('LSSLLCCn', 20, 10 << 8 | 16, 1, 0, 0, 0, 0, 0), 0 or die "netfilter: $!";
    recv $netlink, my $answer, 4096, 0;
    my $generation = unpack 'N', substr $answer, 24, 4;
    printf "%.0f\\n", 1e9 * clock_gettime(CLOCK_MONOTONIC) if !defined $last || $generation != $last;
    $last = $generation;
    usleep 100;
}
`;

export class CommitTimes {
  private readonly child: ChildProcess;
  private take: (time: bigint) => void = () => undefined;
  private fail: (error: Error) => void = () => undefined;

  private constructor() {
    this.child = spawn("perl", ["-e", WATCHER], { stdio: ["ignore", "pipe", "inherit"] });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => this.take(BigInt(text.split("\n", 1)[0] ?? 0)));
    this.child.on("close", () => this.fail(new Error("the process that watches commits has ended")));
  }

  static async start(): Promise<CommitTimes> {
    const times = new CommitTimes();
    await times.next();
    return times;
  }

  /** The time of the next commit that is seen, as `process.hrtime.bigint()` counts it. */
  next(): Promise<bigint> {
    return new Promise((resolve, reject) => {
      this.take = resolve;
      this.fail = reject;
    });
  }

  stop(): void {
    this.fail = () => undefined;
    this.child.kill();
  }
}
