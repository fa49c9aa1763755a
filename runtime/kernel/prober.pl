#!/usr/bin/perl
# Hands packets to the kernel of this network namespace and tells what comes out. Only perl-base, which every Debian has.
#
# Arguments: names of TUN devices to make; `NAME=TYPE` for one whose packets all have this Ethernet type (in hexadecimal),
# whatever version of IP they say they have. Then a command a line on standard input, an answer a line on standard output:
#
#   send WHERE HEX…      each packet in turn comes in by the device WHERE; `local`: the node itself sends it (raw socket:
#                        output hook)
#   run LENGTH COMMAND   runs a shell command here; the LENGTH bytes behind the line are its standard input. The answer is
#                        its exit code and its output, both streams together
#   flush                forgets all connections
#   drain                forgets what has come out
#   flood COUNT WHERE:HEX…   COUNT times all packets, each time from the next source port. The answer: how many were sent,
#                        how many left with the destination that they had, how many with another, the seconds that
#                        sending took (0 without Time::HiRes, which is not in perl-base), and those that all packets took
#                        once, where one time alone was quicker
#   start WHERE:HEX…     begins such a flood in the background; nothing else is sent or heard meanwhile
#   stop                 ends it; the answer is the same
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

my (%tun, @devices, %prefix);
for (@ARGV) {
    my ($name, $type) = split /=/;
    sysopen(my $file, '/dev/net/tun', 2 | 04000) or die "cannot open /dev/net/tun: $!\n";    # O_RDWR | O_NONBLOCK
    ioctl($file, 0x400454ca, pack('a16 s x22', $name, defined $type ? 1 : 0x1001))    # TUNSETIFF, IFF_TUN | IFF_NO_PI
      or die "cannot make device $name: $!\n";
    $prefix{$name} = defined $type ? pack 'nn', 0, hex $type : '';
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

# Each reads one packet from a device or socket that has one, and gives it as a word of an answer.
sub read_device {
    my ($name) = @_;
    sysread $tun{$name}, my $bytes, 2048;
    return "out:$name:" . unpack 'H*', substr $bytes, length $prefix{$name};
}

sub read_four {
    my ($protocol) = @_;
    recv $receive4{$protocol}, my $bytes, 2048, 0x40;
    return 'local:' . unpack 'H*', $bytes;
}

sub read_six {
    my ($protocol) = @_;
    my ($name, $data, $control) = ("\0" x 28, "\0" x 2048, "\0" x 128);
    my $vector  = pack 'PQ', $data, 2048;
    my $message = pack 'PLx4PQPQix4', $name, 28, $vector, 1, $control, 128, 0;
    my $length  = syscall($recvmsg, fileno($receive6{$protocol}), $message, 0x40);
    my (undef, $level, $type) = unpack 'Qii', $control;
    return () unless $length > 0 && $level == 41 && $type == 50;    # IPV6_PKTINFO
    return join ':', 'local6', $protocol, unpack('H*', substr $name, 8, 16), unpack('H*', substr $control, 16, 16),
      unpack('H*', substr $data, 0, $length);
}

# Where something may come out: a list of [file number, what reads it, its argument], and the file numbers as a bit mask.
sub outlets {
    my (@outlets) = @_;
    my $mask = '';
    vec($mask, $_->[0], 1) = 1 for @outlets;
    return [$mask, @outlets];
}

my @leaving = map { [fileno $tun{$_}, \&read_device, $_] } @devices;
my %four    = map { $_ => [fileno $receive4{$_}, \&read_four, $_] } keys %receive4;
my %six     = map { $_ => [fileno $receive6{$_}, \&read_six, $_] } keys %receive6;
my $all     = outlets(@leaving, values %four, values %six);
my %outlets_of;    # by IP version and protocol: of its own protocol, and ICMP

sub collect {
    my ($mask, @outlets) = @{ $_[0] };
    my @found;
    while (select(my $ready = $mask, undef, undef, 0) > 0) {
        for (@outlets) { push @found, $_->[1]->($_->[2]) if vec $ready, $_->[0], 1 }
    }
    return @found;
}

# What a packet can make come out, and where.
sub outlets_for {
    my ($packet) = @_;
    my $version  = vec($packet, 0, 8) >> 4;
    my $protocol = vec $packet, $version == 6 ? 6 : 9, 8;
    return $outlets_of{"$version $protocol"} //= do {
        my ($icmp, $sockets) = $version == 6 ? (58, \%six) : (1, \%four);
        return $all unless $sockets->{$protocol};    # an extension header, which says nothing yet
        my %wanted = map { $_ => 1 } $protocol, $icmp;
        outlets(@leaving, map { $sockets->{$_} // () } keys %wanted);
    };
}

sub transmit {
    my ($where, $packet) = @_;
    return syswrite $tun{$where}, "$prefix{$where}$packet" if $where ne 'local';
    my $four        = vec($packet, 0, 8) >> 4 == 4;
    my $destination = $four ? substr($packet, 16, 4) : substr($packet, 24, 16);    # Socket does not take substr itself
    return $four
      ? send($send4, $packet, 0, pack_sockaddr_in(0, $destination))
      : send($send6, $packet, 0, pack_sockaddr_in6(0, $destination));
}

sub probe {
    my ($where, $packet) = @_;
    my @failed = transmit($where, $packet) ? () : ('error:' . ($! + 0));
    return join ' ', @failed, collect(outlets_for($packet));
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

# Sends all packets again and again, until `$goes_on` says no more.
sub flood {
    my ($goes_on, @where) = @_;
    my @packets = map { s/(\S+)://r } @where;
    s/:.*// for @where;
    @packets = map { pack 'H*', $_ } @packets;
    my ($sent, $same, $other, $seconds, $port, $connections) = (0, 0, 0, 0, 1024, 0);
    my @passes;
    my $now = eval { require Time::HiRes; \&Time::HiRes::time } // sub { 0 };
    my %asked;
    for my $packet (@packets) {
        $asked{ vec($packet, 0, 8) >> 4 == 6 ? substr $packet, 24, 16 : substr $packet, 16, 4 } = 1;
    }
    while ($goes_on->()) {
        if ($connections > 50_000 || $port > 65_000) {
            flush();
            ($connections, $port) = (0, 1024);
        }
        $port++;
        $connections += @packets;
        my @next  = map { renumber($_, $port) } @packets;
        my $start = $now->();
        transmit($where[$_], $next[$_]) for 0 .. $#next;
        push @passes, $now->() - $start;
        $seconds += $passes[-1];
        $sent += @next;
        for my $device (@devices) {
            my $bytes;
            while (sysread $tun{$device}, $bytes, 2048) {
                my $six = vec($bytes, 0, 8) >> 4 == 6;
                next if vec($bytes, $six ? 6 : 9, 8) == ($six ? 58 : 1);    # errors
                next if $six && vec($bytes, 24, 8) == 255;                  # chatter
                if ($asked{ $six ? substr $bytes, 24, 16 : substr $bytes, 16, 4 }) { $same++ }
                else                                                              { $other++ }
            }
        }
    }
    my $quick = (sort { $a <=> $b } @passes)[@passes > 1] // 0;
    return "$sent $same $other $seconds $quick";
}

# The flood in the background: its process, and where it will answer.
my ($flooder, $flooded);

sub start {
    my @packets = @_;
    my $parent  = $$;
    pipe($flooded, my $result) or die "pipe: $!\n";
    $flooder = fork // die "fork: $!\n";
    return 'ok' if $flooder;
    my $goes_on = 1;
    $SIG{TERM} = sub { $goes_on = 0 };
    syswrite $result, flood(sub { $goes_on && getppid() == $parent }, @packets);
    exec 'true';
}

sub stop {
    kill 'TERM', $flooder;
    local $/;
    my $said = <$flooded>;
    waitpid $flooder, 0;
    return $said;
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
        collect($all);
        $answers .= "ok\n";
    }
    elsif ($command eq 'flood') {
        my ($count, @packets) = split ' ', $rest;
        $answers .= flood(sub { $count-- > 0 }, @packets) . "\n";
    }
    elsif ($command eq 'start') { $answers .= start(split ' ', $rest) . "\n" }
    elsif ($command eq 'stop')  { $answers .= stop() . "\n" }
    else { die "no command $command\n" }
    if (index($input, "\n") < 0 || length $answers > 1 << 16) {
        put(\*STDOUT, $answers);
        $answers = '';
    }
}
