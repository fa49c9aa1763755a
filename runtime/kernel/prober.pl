#!/usr/bin/perl
# Hands packets to the kernel of this network namespace and tells what comes out. Only perl-base, which every Debian has.
#
# Arguments: names of TUN devices to make. Then a command a line on standard input, an answer a line on standard output:
#
#   send WHERE HEX…      each packet in turn comes in by the device WHERE; `local`: the node itself sends it (raw socket:
#                        output hook)
#   run LENGTH COMMAND   runs a shell command here; the LENGTH bytes behind the line are its standard input. The answer is
#                        its exit code and its output, both streams together
#   flush                forgets all connections
#   drain                forgets what has come out
#   flood WHERE COUNT HEX…   COUNT times all packets, each time from the next source port. The answer: how many came out
#                        with the destination that they had, how many with another, and the seconds that sending took (0 without Time::HiRes, which is not in perl-base)
#
# The answer to send has for each packet a list of what came out, separated by blanks, with `;` between packets:
#
#   out:DEVICE:HEX       a packet left by the device
#   local:HEX            an IPv4 packet was delivered to the node
#   local6:PROTOCOL:SOURCE:DESTINATION:HEX   likewise IPv6, without its header
#   error:NUMBER         sending failed (1: a rule dropped or rejected it in the output hook)
#
# Writing to a TUN device runs all hooks in the writer's context: when it returns, what comes out is there. Nothing
# coming out is a drop, and no time has to pass to know it.
use strict;
use warnings;
use Socket qw(:all);

my (%tun, @devices);
for my $name (@ARGV) {
    sysopen(my $file, '/dev/net/tun', 2 | 04000) or die "cannot open /dev/net/tun: $!\n";    # O_RDWR | O_NONBLOCK
    ioctl($file, 0x400454ca, pack('a16 s x22', $name, 0x1001)) or die "cannot make device $name: $!\n";    # TUNSETIFF, IFF_TUN | IFF_NO_PI
    $tun{$name} = $file;
    push @devices, $name;
}

# Raw sockets hear what is delivered to the node, by protocol.
my (%receive4, %receive6);
socket(my $send4, AF_INET,  SOCK_RAW, 255) or die "cannot open a raw socket: $!\n";
socket(my $send6, AF_INET6, SOCK_RAW, 255) or die "cannot open a raw socket: $!\n";
for my $protocol (1, 6, 17, 132) {
    socket($receive4{$protocol}, AF_INET, SOCK_RAW | 04000, $protocol) or die "cannot open a raw socket: $!\n";
    setsockopt($receive4{$protocol}, SOL_SOCKET, SO_RCVBUF, 1 << 20);
    my $number = $protocol == 1 ? 58 : $protocol;
    socket($receive6{$number}, AF_INET6, SOCK_RAW | 04000, $number) or die "cannot open a raw socket: $!\n";
    setsockopt($receive6{$number}, SOL_SOCKET, SO_RCVBUF, 1 << 20);
    setsockopt($receive6{$number}, 41, 49, pack('i', 1));    # IPPROTO_IPV6, IPV6_RECVPKTINFO
}
socket(my $netlink, 16, SOCK_RAW, 12) or die "cannot open netfilter netlink: $!\n";

# recvmsg(2), which perl has no word for: the only way to the destination of an IPv6 packet.
my $machine = qx(uname -m);
my $recvmsg = $machine =~ /aarch64|riscv64|loongarch64/ ? 212 : $machine =~ /s390x/ ? 372 : $machine =~ /ppc64/ ? 342 : 47;

sub receive6 {
    my ($protocol) = @_;
    my $socket = $receive6{$protocol} or return;
    my @found;
    while (1) {
        my ($name, $data, $control) = ("\0" x 28, "\0" x 2048, "\0" x 128);
        my $vector  = pack 'PQ', $data, 2048;
        my $message = pack 'PLx4PQPQix4', $name, 28, $vector, 1, $control, 128, 0;
        my $length  = syscall($recvmsg, fileno($socket), $message, 0x40);
        last if $length <= 0;
        my (undef, $level, $type) = unpack 'Qii', $control;
        next unless $level == 41 && $type == 50;    # IPV6_PKTINFO
        push @found, join ':', 'local6', $protocol, unpack('H*', substr $name, 8, 16), unpack('H*', substr $control, 16, 16),
          unpack('H*', substr $data, 0, $length);
    }
    return @found;
}

sub receive4 {
    my ($protocol) = @_;
    my $socket = $receive4{$protocol} or return;
    my ($bytes, @found);
    push @found, 'local:' . unpack('H*', $bytes) while defined recv $socket, $bytes, 2048, 0x40;
    return @found;
}

sub leave {
    my ($bytes, @found);
    for my $device (@devices) {
        push @found, "out:$device:" . unpack('H*', $bytes) while sysread $tun{$device}, $bytes, 2048;
    }
    return @found;
}

# What a packet has made come out: of its own protocol, and ICMP.
sub collect {
    my ($packet) = @_;
    return (leave(), receive6(vec $packet, 6, 8), receive6(58)) if vec($packet, 0, 8) >> 4 == 6;
    return (leave(), receive4(vec $packet, 9, 8), receive4(1));
}

sub drain {
    leave();
    receive4($_) for keys %receive4;
    receive6($_) for keys %receive6;
}

sub transmit {
    my ($where, $packet) = @_;
    return syswrite $tun{$where}, $packet if $where ne 'local';
    my $four        = vec($packet, 0, 8) >> 4 == 4;
    my $destination = $four ? substr($packet, 16, 4) : substr($packet, 24, 16);    # Socket does not take substr itself
    return $four
      ? send($send4, $packet, 0, pack_sockaddr_in(0, $destination))
      : send($send6, $packet, 0, pack_sockaddr_in6(0, $destination));
}

sub probe {
    my ($where, $packet) = @_;
    my @failed = transmit($where, $packet) ? () : ('error:' . ($! + 0));
    return join ' ', @failed, collect($packet);
}

# IPCTNL_MSG_CT_DELETE without a tuple: all of them.
sub flush {
    send $netlink, pack('LSSLLCCn', 20, 0x102, 5, 1, 0, 0, 0, 0), 0;
    recv $netlink, my $ignored, 4096, 0;
}

# The next source port, with the checksum that goes with it: TCP and UDP.
sub renumber {
    my ($packet, $port) = @_;
    my $header   = vec($packet, 0, 8) >> 4 == 6 ? 40 : 20;
    my $protocol = vec $packet, $header == 40 ? 6 : 9, 8;
    my $at       = $header + ($protocol == 6 ? 16 : 6);
    my $sum = (~unpack('n', substr $packet, $at, 2) & 0xffff) + (~unpack('n', substr $packet, $header, 2) & 0xffff) + $port;
    $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
    substr($packet, $header, 2) = pack 'n', $port;
    substr($packet, $at,     2) = pack 'n', ~$sum & 0xffff;
    return $packet;
}

sub flood {
    my ($where, $count, @packets) = @_;
    my ($same, $other, $seconds, $port) = (0, 0, 0, 1024);
    my $now = eval { require Time::HiRes; \&Time::HiRes::time } // sub { 0 };
    my %asked;
    for my $packet (@packets) {
        $asked{ vec($packet, 0, 8) >> 4 == 6 ? substr $packet, 24, 16 : substr $packet, 16, 4 } = 1;
    }
    for my $round (1 .. $count) {
        $port = $port >= 65000 ? 1024 : $port + 1;
        my @next  = map { renumber($_, $port) } @packets;
        my $start = $now->();
        transmit($where, $_) for @next;
        $seconds += $now->() - $start;
        for my $device (@devices) {
            my $bytes;
            while (sysread $tun{$device}, $bytes, 2048) {
                my $six = vec($bytes, 0, 8) >> 4 == 6;
                next if vec($bytes, $six ? 6 : 9, 8) == ($six ? 58 : 1);    # errors and chatter
                if ($asked{ $six ? substr $bytes, 24, 16 : substr $bytes, 16, 4 }) { $same++ }
                else                                                              { $other++ }
            }
        }
    }
    return "$same $other $seconds";
}

# Runs a command with `$input` on its standard input; another process writes it, so that neither waits for the other.
sub run {
    my ($command, $input) = @_;
    pipe(my $read,   my $write)  or die "pipe: $!\n";
    pipe(my $output, my $result) or die "pipe: $!\n";
    my $child = fork // die "fork: $!\n";
    if ($child == 0) {
        open STDIN,  '<&', $read;
        open STDOUT, '>&', $result;
        open STDERR, '>&', $result;
        close $_ for $read, $write, $output, $result;
        exec 'sh', '-c', $command;
        die "exec: $!\n";
    }
    close $read;
    close $result;
    my $writer = fork // die "fork: $!\n";
    if ($writer == 0) {
        $SIG{PIPE} = 'DEFAULT';
        put($write, $input);
        exec 'true';    # without perl's way out, which would close what the parent uses
    }
    close $write;
    local $/;
    my $said = <$output> // '';
    waitpid $writer, 0;
    waitpid $child,  0;
    $said =~ s/\\/\\\\/g;
    $said =~ s/\n/\\n/g;
    return ($? >> 8) . " $said";
}

sub put {
    my ($file, $text) = @_;
    while (length $text) {
        my $written = syswrite $file, $text or die "cannot write: $!\n";
        substr($text, 0, $written) = '';
    }
}

my $input = '';

# The next bytes of standard input: a line, or as many as asked for. Undefined at the end.
sub take {
    my ($length) = @_;
    while (1) {
        my $end = defined $length ? $length : index($input, "\n") + 1;
        return substr $input, 0, $end, '' if defined $length ? length $input >= $length : $end > 0;
        sysread STDIN, $input, 1 << 16, length $input or return undef;
    }
}

my $answers = '';
while (defined(my $line = take())) {
    my ($command, $rest) = split ' ', $line, 2;
    if ($command eq 'send') {
        my ($where, @packets) = split ' ', $rest;
        $answers .= join(';', map { probe($where, pack 'H*', $_) } @packets) . "\n";
    }
    elsif ($command eq 'run') {
        my ($length, $shell) = split ' ', $rest, 2;
        $answers .= run($shell, take($length) // '') . "\n";
    }
    elsif ($command eq 'flush') {
        flush();
        $answers .= "ok\n";
    }
    elsif ($command eq 'drain') {
        drain();
        $answers .= "ok\n";
    }
    elsif ($command eq 'flood') {
        my ($where, $count, @packets) = split ' ', $rest;
        $answers .= flood($where, $count, map { pack 'H*', $_ } @packets) . "\n";
    }
    else { die "no command $command\n" }
    if (index($input, "\n") < 0 || length $answers > 1 << 16) {
        put(\*STDOUT, $answers);
        $answers = '';
    }
}
