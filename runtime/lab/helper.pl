#!/usr/bin/perl
# Holds network namespaces, and is everybody in them: one process, which keeps them as file descriptors without names or
# mounts. When it dies, the kernel takes all of them away. Only perl-base, which every Debian has.
#
# A command a line on standard input, an answer a line on standard output. A namespace goes by the number that `namespaces`
# has given to it.
#
#   namespaces COUNT           makes namespaces; the answer is their numbers
#   netlink NUMBER COUNT HEX   sends route netlink messages in one packet, each of which asks for an acknowledgement; the
#                              answer is empty, or `INDEX:ERRNO` for each that the kernel refused, its index as it is in the
#                              message's sequence number
#   sysctl NUMBER PATH=VALUE…  writes to /proc/sys/net; the answer is empty, or tells what could not be written
#   run NUMBER LENGTH COMMAND  runs a shell command there; the LENGTH bytes behind the line are its standard input. The
#                              answer is its exit code and its output, both streams together
#   listen NUMBER PROTOCOL ADDRESS PORT   serves there from now on: who asks is told which address and port it was seen as
#   proxy NUMBER ADDRESS PORT TARGET,PORT…   takes TCP connections, and makes one to one of the targets for each
#   watch NUMBER               hears all packets of all interfaces from now on
#   ask NUMBER PROTOCOL SOURCE SOURCE-PORT DESTINATION PORT MILLISECONDS BYTES   asks a server; SOURCE `-`: as routing says;
#                              BYTES: the length of the IP packet, which is not to be cut into fragments, 0: a short one (TCP: always).
#                              The answer: `saw ADDRESS PORT`, `echo`, `error ERRNO`, or `silence` when the time is up
#   seen                       what was heard since the last time, in order of time:
#                              NUMBER,INTERFACE-INDEX,DIRECTION,NANOSECONDS,LENGTH,HEX each, with `;` between. DIRECTION is `in`
#                              or `out`, LENGTH the bytes of the frame, and HEX the first of them
use strict;
use warnings;
use Socket qw(:all);

my $machine = qx(uname -m);
my $is_arm  = $machine =~ /aarch64|riscv64/;
my ($SETNS, $UNSHARE, $RECVMSG, $CLOCK) = $is_arm ? (268, 97, 212, 113) : (308, 272, 47, 228);
my $CLONE_NEWNET = 0x40000000;
my $NONBLOCK     = 04000;

my (%namespace, %netlink, %watcher, %listening);
my $here = -1;

sub enter {
    my ($number) = @_;
    return if $here eq $number;
    my $file = $namespace{$number} // die "no namespace $number\n";
    syscall($SETNS, fileno $file, $CLONE_NEWNET) == 0 or die "cannot enter a namespace: $!\n";
    $here = $number;
}

sub make_namespaces {
    my ($count) = @_;
    my @numbers;
    for (1 .. $count) {
        syscall($UNSHARE, $CLONE_NEWNET) == 0 or die "cannot make a namespace: $!\n";
        open my $file, '<', '/proc/thread-self/ns/net' or die "cannot open a namespace: $!\n";
        $here = fileno $file;
        $namespace{$here} = $file;
        push @numbers, $here;
    }
    return "@numbers";
}

sub send_netlink {
    my ($number, $count, $hex) = @_;
    enter($number);
    unless ($netlink{$number}) {
        socket($netlink{$number}, AF_NETLINK(), SOCK_RAW, 0) or die "cannot open netlink: $!\n";
        setsockopt $netlink{$number}, SOL_SOCKET, SO_RCVBUF, 1 << 20;
        setsockopt $netlink{$number}, 270, 10, pack('i', 1);    # SOL_NETLINK, NETLINK_CAP_ACK
    }
    send $netlink{$number}, pack('H*', $hex), 0 or die "cannot send netlink messages: $!\n";
    my @refused;
    while ($count > 0) {
        defined recv $netlink{$number}, my $bytes, 65536, 0 or die "cannot hear netlink: $!\n";
        for (my $at = 0; $at + 16 <= length $bytes;) {
            my ($length, $type, undef, $sequence) = unpack 'LSSL', substr $bytes, $at, 12;
            if ($type == 2) {    # NLMSG_ERROR
                my $error = -unpack 'l', substr $bytes, $at + 16, 4;
                push @refused, "$sequence:$error" if $error;
                $count--;
            }
            $at += ($length + 3) & ~3;
        }
    }
    return join ' ', @refused;
}

sub AF_NETLINK { return 16 }

sub write_sysctls {
    my ($number, @settings) = @_;
    enter($number);
    for (@settings) {
        my ($path, $value) = split /=/;
        open my $file, '>', "/proc/sys/net/$path" or return "$path: $!";
        defined syswrite $file, $value or return "$path=$value: $!";
    }
    return '';
}

sub run {
    my ($number, $input, @command) = @_;
    enter($number);
    pipe my $read, my $give or die $!;
    pipe my $output, my $write or die $!;
    my $command = fork // die $!;
    if (!$command) {
        open STDIN,  '<&', $read;
        open STDOUT, '>&', $write;
        open STDERR, '>&', $write;
        close $_ for $read, $give, $output, $write;
        exec 'sh', '-c', "@command" or die $!;
    }
    close $_ for $read, $write;
    my $giver = fork // die $!;
    if (!$giver) {
        for (my $at = 0; $at < length $input;) {
            my $written = syswrite $give, $input, 1 << 16, $at;
            last unless defined $written;
            $at += $written;
        }
        close $give;
        kill 9, $$;    # without ends of perl's that write to our standard output
    }
    close $give;
    local $/;
    my $said = <$output> // '';
    waitpid $giver,   0;
    waitpid $command, 0;
    my $code = $? >> 8;
    $said =~ s/\\/\\\\/g;
    $said =~ s/\n/\\n/g;
    return "$code $said";
}

# --- servers -------------------------------------------------------------------------------------------------------------

sub family_of { return $_[0] =~ /:/ ? AF_INET6 : AF_INET }

sub socket_address {
    my ($address, $port) = @_;
    my $family = family_of($address);
    my $bytes  = inet_pton($family, $address) // die "$address is no address\n";
    return $family == AF_INET ? pack_sockaddr_in($port, $bytes) : pack_sockaddr_in6($port, $bytes);
}

sub who {
    my ($name) = @_;
    my $family = sockaddr_family($name);
    my ($port, $bytes) = $family == AF_INET ? unpack_sockaddr_in($name) : unpack_sockaddr_in6($name);
    return inet_ntop($family, $bytes) . " $port";
}

my %reader;    # what reads a socket when it is ready, by file number
my %open;      # sockets, by file number
my ($readable, $writable) = ('', '');
my %writer;

sub on_readable {
    my ($socket, $then) = @_;
    my $number = fileno $socket;
    ($open{$number}, $reader{$number}) = ($socket, $then);
    vec($readable, $number, 1) = 1;
}

sub on_writable {
    my ($socket, $then) = @_;
    my $number = fileno $socket;
    ($open{$number}, $writer{$number}) = ($socket, $then);
    vec($writable, $number, 1) = 1;
}

sub forget {
    my ($socket) = @_;
    my $number = fileno $socket // return;
    vec($readable, $number, 1) = 0;
    vec($writable, $number, 1) = 0;
    delete $_->{$number} for \%reader, \%writer, \%open;
    close $socket;
}

sub bound_socket {
    my ($type, $address, $port) = @_;
    socket(my $socket, family_of($address), $type | $NONBLOCK, 0) or die "cannot open a socket: $!\n";
    setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1;
    bind $socket, socket_address($address, $port) or die "cannot serve at $address port $port: $!\n";
    listen $socket, 64 if $type == SOCK_STREAM;
    return $socket;
}

# At most once per place.
sub serve {
    my ($number, $protocol, $address, $port) = @_;
    return '' if $listening{"$number $protocol $address $port"}++;
    enter($number);
    if ($protocol eq 'udp') {
        my $socket = bound_socket(SOCK_DGRAM, $address, $port);
        on_readable($socket, sub {
            my $from = recv($socket, my $bytes, 512, 0) // return;
            send $socket, 'saw ' . who($from), 0, $from;
        });
        return '';
    }
    my $socket = bound_socket(SOCK_STREAM, $address, $port);
    on_readable($socket, sub {
        my $from = accept(my $taken, $socket) or return;
        syswrite $taken, 'saw ' . who($from);
        close $taken;
    });
    return '';
}

sub serve_proxy {
    my ($number, $address, $port, @targets) = @_;
    enter($number);
    my $socket = bound_socket(SOCK_STREAM, $address, $port);
    on_readable($socket, sub {
        accept(my $taken, $socket) or return;
        my ($target, $target_port) = split /,/, $targets[rand @targets];
        enter($number);
        socket(my $made, family_of($target), SOCK_STREAM | $NONBLOCK, 0) or die "cannot open a socket: $!\n";
        connect $made, socket_address($target, $target_port);
        on_readable($made, sub {
            my $read = sysread $made, my $bytes, 512;
            syswrite $taken, $bytes if $read;
            close $taken;
            forget($made);
        });
    });
    return '';
}

my $time_buffer = pack 'QQ', 0, 0;

sub now {
    syscall $CLOCK, 1, $time_buffer;
    my ($seconds, $nanoseconds) = unpack 'QQ', $time_buffer;
    return $seconds + $nanoseconds / 1e9;
}

# Serves everybody until `$is_done`, or until `$until`.
sub serve_until {
    my ($until, $is_done) = @_;
    until ($is_done->()) {
        my $left = $until - now();
        return if $left <= 0;
        next if select(my $read = $readable, my $write = $writable, undef, $left) <= 0;
        for (keys %writer) { $writer{$_}->() if $writer{$_} && vec $write, $_, 1 }
        for (keys %reader) { $reader{$_}->() if $reader{$_} && vec $read,  $_, 1 }
    }
}

# --- clients -------------------------------------------------------------------------------------------------------------

sub ask {
    my ($number, $protocol, $source, $source_port, $destination, $port, $milliseconds, $bytes) = @_;
    enter($number);
    my $family = family_of($destination);
    my $room = $bytes ? $bytes - ($family == AF_INET ? 20 : 40) - 8 : 0;    # behind the header of UDP or ICMP
    my $answer;
    my $until = now() + $milliseconds / 1000;
    my $any   = $family == AF_INET ? '0.0.0.0' : '::';
    my $type  = $protocol eq 'icmp' ? SOCK_RAW : $protocol eq 'udp' ? SOCK_DGRAM : SOCK_STREAM;
    my $icmp  = $family == AF_INET ? 1 : 58;
    socket(my $socket, $family, $type | $NONBLOCK, $type == SOCK_RAW ? $icmp : 0) or die "cannot open a socket: $!\n";
    setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1;
    my $own = socket_address($source eq '-' ? $any : $source, $type == SOCK_RAW ? 0 : $source_port);
    bind $socket, $own or return 'error ' . ($! + 0);
    my $failed = !connect $socket, socket_address($destination, $type == SOCK_RAW ? 0 : $port);
    return 'error ' . ($! + 0) if $failed && $! != 115;    # EINPROGRESS
    my $hear = sub {
        my $read = sysread $socket, my $bytes, 512;
        if (!defined $read) { $answer = 'error ' . ($! + 0) unless $!{EAGAIN} }
        elsif ($type != SOCK_RAW) { $answer = $read ? $bytes : 'error 104' }    # ECONNRESET: closed without a word
        else {
            my $message = $family == AF_INET ? substr($bytes, (vec($bytes, 0, 8) & 15) * 4) : $bytes;
            my ($kind, undef, undef, $identifier) = unpack 'CCnn', $message;
            $answer = 'echo' if $kind == ($family == AF_INET ? 0 : 129) && $identifier == $source_port;
        }
    };
    on_readable($socket, $hear);
    if ($bytes) {    # IP_MTU_DISCOVER, IPV6_MTU_DISCOVER: IP_PMTUDISC_PROBE
        my ($level, $option) = $family == AF_INET ? (0, 10) : (41, 23);
        setsockopt($socket, $level, $option, pack 'i', 3) or die "cannot forbid fragments: $!\n";
    }
    if ($type == SOCK_DGRAM) { send $socket, pad('ask', $room), 0 or $answer = 'error ' . ($! + 0) }
    if ($type == SOCK_RAW) {
        my $echo = (pack 'CCnnn', $family == AF_INET ? 8 : 128, 0, 0, $source_port, 1) . pad('', $room);
        substr($echo, 2, 2) = pack 'n', checksum($echo) if $family == AF_INET;    # the kernel does it for IPv6
        send $socket, $echo, 0 or $answer = 'error ' . ($! + 0);
    }
    serve_until($until, sub { defined $answer });
    forget($socket);
    return $answer // 'silence';
}

sub pad {
    my ($text, $length) = @_;
    return $length > length $text ? $text . "\0" x ($length - length $text) : $text;
}

sub checksum {
    my ($bytes) = @_;
    $bytes .= "\0" if length($bytes) % 2;
    my $sum = 0;
    $sum += $_ for unpack 'n*', $bytes;
    $sum = ($sum >> 16) + ($sum & 0xffff) while $sum >> 16;
    return ~$sum & 0xffff;
}

# --- what is seen --------------------------------------------------------------------------------------------------------

my $FRAME_BYTES = 192;

# The kernel begins to give packets their times some milliseconds after the first socket that wants them.
socket(my $clock, AF_INET, SOCK_DGRAM, 0) or die "cannot open a socket: $!\n";
setsockopt $clock, SOL_SOCKET, 35, pack('i', 1);    # SO_TIMESTAMPNS

sub watch {
    my ($number) = @_;
    return '' if $watcher{$number};
    enter($number);
    socket(my $socket, 17, SOCK_RAW, unpack 'S', pack 'n', 3) or die "cannot open a packet socket: $!\n";    # AF_PACKET, ETH_P_ALL
    setsockopt $socket, SOL_SOCKET, 35, pack('i', 1);    # SO_TIMESTAMPNS
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 1 << 20;
    $watcher{$number} = $socket;
    return '';
}

sub seen {
    my @frames;
    for my $number (keys %watcher) {
        my $socket = fileno $watcher{$number};
        while (1) {
            my ($name, $data, $control) = ("\0" x 20, "\0" x $FRAME_BYTES, "\0" x 64);
            my $vector  = pack 'PQ', $data, $FRAME_BYTES;
            my $message = pack 'PLx4PQPQix4', $name, 20, $vector, 1, $control, 64, 0;
            my $length  = syscall $RECVMSG, $socket, $message, 0x60;    # MSG_DONTWAIT, and MSG_TRUNC: the whole length
            last if $length <= 0;
            my (undef, $type, $interface, undef, $direction) = unpack 'SnlSC', $name;
            next unless $type == 0x800 || $type == 0x86dd;
            my (undef, undef, undef, $seconds, $nanoseconds) = unpack 'QiiQQ', $control;
            my $time = $seconds * 1_000_000_000 + $nanoseconds;
            my $hex  = unpack 'H*', substr $data, 0, $length < $FRAME_BYTES ? $length : $FRAME_BYTES;
            push @frames, [$time, join ',', $number, $interface, $direction == 4 ? 'out' : 'in', $time, $length, $hex];
        }
    }
    return join ';', map { $_->[1] } sort { $a->[0] <=> $b->[0] } @frames;
}

# --- commands ------------------------------------------------------------------------------------------------------------

my %commands = (
    namespaces => \&make_namespaces,
    netlink    => \&send_netlink,
    sysctl     => \&write_sysctls,
    run        => \&run,
    listen     => \&serve,
    proxy      => \&serve_proxy,
    watch      => \&watch,
    ask        => \&ask,
    seen       => \&seen,
);

$| = 1;
my $input = '';

# The next line, or as many bytes; undefined at the end.
sub take {
    my ($length) = @_;
    while (1) {
        my $end = $length // index($input, "\n") + 1;
        return substr $input, 0, $end, '' if defined $length ? length $input >= $length : $end > 0;
        sysread STDIN, $input, 1 << 16, length $input or return undef;
    }
}

while (defined(my $line = take())) {
    chomp $line;
    my ($name, @arguments) = split ' ', $line;
    if ($name eq 'run') {
        my ($number, $length, @command) = @arguments;
        @arguments = ($number, take($length), @command);
    }
    my $answer = eval { ($commands{$name} // die "no command $name\n")->(@arguments) };
    $answer = "trouble $@" if $@;
    $answer =~ s/\n/ /g;
    print "$answer\n";
}
