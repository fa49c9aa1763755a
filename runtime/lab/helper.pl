#!/usr/bin/perl
# Holds network namespaces, and is everybody in them: one process, which keeps them as file descriptors without names or
# mounts. When it dies, the kernel takes all of them away. Only perl-base, which every Debian has.
# Long because it is one process of perl-base, which is started from this file alone.
#
# A command a line on standard input, an answer a line on standard output. A namespace goes by the number that `namespaces`
# has given to it.
#
#   fresh PATH…                what a namespace has in /proc/sys/net that nothing was set in yet; `-`: it has no such file
#   namespaces COUNT           makes namespaces; the answer is their numbers
#   netlink NUMBER LENGTH      sends route netlink messages in one packet: the LENGTH bytes behind the line. The last one has
#                              the sequence number 4294967295 and asks for an acknowledgement. The answer is empty, or
#                              `INDEX:ERRNO` for each that the kernel refused, by its sequence number
#   ready NUMBER MILLISECONDS INTERFACE…   waits until these interfaces run and have routes to their IPv6 addresses; the answer: those
#                              that do not by then
#   sysctl NUMBER PATH=VALUE…  writes to /proc/sys/net; the answer is empty, or tells what could not be written
#   run NUMBER LENGTH COMMAND  runs a shell command there; the LENGTH bytes behind the line are its standard input. The
#                              answer is its exit code and its output, both streams together. Servers, clients and what
#                              comes next do not wait for its end
#   listen NUMBER PROTOCOL ADDRESS PORT   serves there from now on: who asks is told which address and port it was seen as
#                              (PROTOCOL `http`: TCP; who sends a request of HTTP gets an answer in its way, which begins with the
#                              NAME behind the port and has a second line of the client that X-Forwarded-For tells; who sends
#                              something else gets it as from other servers)
#   proxy NUMBER ADDRESS PORT TARGET,PORT…   takes TCP connections, and makes one to one of the targets for each
#   watch NUMBER               hears all packets of all interfaces from now on
#   unwatch NUMBER             hears none of them any more
#   ask NUMBER PROTOCOL SOURCE SOURCE-PORT DESTINATION PORT MILLISECONDS BYTES WAIT   asks a server; SOURCE `-`: as routing says;
#                              BYTES: the length of the IP packet, which is not to be cut into fragments, 0: a short one (TCP: always).
#                              WAIT `quiet`: silence is the answer as soon as no packet is under way any more, `whole`: when the time is up.
#                              PROTOCOL `http`: TCP, for servers of that kind; `sctp`: the first packet only. The answer: `saw ADDRESS PORT`, `echo`, `error ERRNO`, or `silence`
#   request NUMBER LENGTH SOURCE SOURCE-PORT DESTINATION PORT MILLISECONDS   sends a request over TCP: the LENGTH bytes behind the line. The
#                              answer: `answered` and all that comes until the other side closes, `error ERRNO`, or `silence`
#   pause MILLISECONDS         serves for that long, and until no packet is under way on any processor
#   seen                       what was heard since the last time, in order of time:
#                              NUMBER,INTERFACE-INDEX,DIRECTION,NANOSECONDS,LENGTH,HEX each, with `;` between. DIRECTION is `in`
#                              or `out`, LENGTH the bytes of the frame, and HEX the first of them
use strict;
use warnings;
use Socket qw(:all);

# Numbers of system calls: of x86-64, or of all newer architectures. ELF's header tells what perl was built for.
open my $perl, '<', '/proc/self/exe' or die "cannot open /proc/self/exe: $!\n";
sysread $perl, my $header, 20;
my $is_x86 = unpack('x18 S', $header) == 62;
my ($SETNS, $UNSHARE, $RECVMSG, $CLOCK, $MOUNT, $PRCTL, $PRLIMIT)
    = $is_x86 ? (308, 272, 47, 228, 165, 157, 302) : (268, 97, 212, 113, 40, 167, 261);
my ($SET_AFFINITY, $GET_AFFINITY, $GET_CPU, $UMOUNT, $SENDMSG) = $is_x86 ? (203, 204, 309, 166, 46) : (122, 123, 168, 39, 211);
my ($CLONE_NEWNS, $CLONE_NEWUSER, $CLONE_NEWPID, $CLONE_NEWNET) = (0x20000, 0x10000000, 0x20000000, 0x40000000);
my $NONBLOCK = 04000;

# --- the frame -----------------------------------------------------------------------------------------------------------

# Leaves the namespaces of the machine, as an ordinary user by a user namespace. The process that was started waits outside:
# whoever kills one of both, or the process that started them, ends all.
sub leave_machine {
    my ($user, $group) = ($>, $) + 0);
    my $flags = $CLONE_NEWNS | $CLONE_NEWPID | $CLONE_NEWNET;
    if ($user != 0 || syscall($UNSHARE, $flags) != 0) {
        syscall($UNSHARE, $flags | $CLONE_NEWUSER) == 0 or die "unshare: $!" . why_not() . "\n";
        write_file('/proc/self/setgroups', 'deny');
        write_file('/proc/self/uid_map',   "0 $user 1");
        write_file('/proc/self/gid_map',   "0 $group 1");
    }
    # What the terminal's user interrupts is for the process that started this one to decide.
    $SIG{INT} = 'IGNORE';
    die_with_parent();
    exit 1 if @ARGV && getppid() != $ARGV[0];
    my $inside = fork // die "cannot start a process: $!\n";
    if ($inside) {
        waitpid $inside, 0;
        exit 1;
    }
    die_with_parent();
    my ($root, $none, $tmpfs, $run, $proc, $at_proc) = ('/', 'none', 'tmpfs', '/run', 'proc', '/proc');
    my $PRIVATE = 0x44000;    # MS_REC | MS_PRIVATE
    syscall($MOUNT, $none,  $root,    $none,  $PRIVATE, 0) == 0 or die "mount: $!" . why_not() . "\n";
    syscall($MOUNT, $tmpfs, $run,     $tmpfs, 0,        0) == 0 or die "mount of a tmpfs: $!" . why_not() . "\n";
    syscall($MOUNT, $proc,  $at_proc, $proc,  0,        0) == 0 or die "mount of /proc: $!" . why_not() . "\n";
}

sub die_with_parent {
    syscall($PRCTL, 1, 9, 0, 0, 0) == 0 or die "prctl: $!\n";    # PR_SET_PDEATHSIG, SIGKILL
}

sub write_file {
    my ($path, $text) = @_;
    open my $file, '>', $path or die "cannot open $path: $!\n";
    defined syswrite $file, $text or die "cannot write to $path: $!\n";
}

sub read_file {
    my ($path) = @_;
    open my $file, '<', $path or return undef;
    sysread $file, my $text, 4096 or return '';
    return $text =~ s/\s+$//r;
}

# The settings of systems that forbid user namespaces.
sub why_not {
    my %forbids = (
        'user/max_user_namespaces'                       => 0,
        'kernel/unprivileged_userns_clone'               => 0,
        'kernel/apparmor_restrict_unprivileged_userns'   => 1,
        'kernel/apparmor_restrict_unprivileged_unconfined' => 1,
    );
    my @found = grep { (read_file("/proc/sys/$_") // '') eq $forbids{$_} } sort keys %forbids;
    return join '', map { '; ' . (tr{/}{.}r) . "=$forbids{$_}" } @found;
}

# Descriptors: one for each namespace, and one for each socket in it.
my $most_descriptors = 1024;

sub raise_limits {
    my $limits = pack 'QQ', 0, 0;
    syscall $PRLIMIT, 0, 7, 0, $limits;    # RLIMIT_NOFILE
    my (undef, $hard) = unpack 'QQ', $limits;
    my $wanted = pack 'QQ', $hard, $hard;
    syscall($PRLIMIT, 0, 7, $wanted, 0) == 0 or die "cannot raise the number of files that may be open: $!\n";
    $most_descriptors = $hard;
}

leave_machine();
raise_limits();

my (%namespace, %watcher, %listening);
my $here = -1;
my $start;
opendir $start, '.' or opendir $start, '/' or die "cannot open a folder: $!\n";

sub enter {
    my ($number) = @_;
    return if $here eq $number;
    my $file = $namespace{$number} // die "no namespace $number\n";
    syscall($SETNS, fileno $file, $CLONE_NEWNET) == 0 or die "cannot enter a namespace: $!\n";
    $here = $number;
}

sub make_namespaces {
    my ($count) = @_;
    my $needed = keys(%namespace) + $count + 64;    # and those of sockets
    die "a lab of $count network namespaces needs $needed open files, the limit is $most_descriptors (ulimit -Hn)\n"
        if $needed > $most_descriptors;
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
    my ($number, $messages) = @_;
    enter($number);
    socket(my $socket, AF_NETLINK(), SOCK_RAW, 0) or die "cannot open netlink: $!\n";
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 1 << 20;
    setsockopt $socket, 270, 10, pack('i', 1);    # SOL_NETLINK, NETLINK_CAP_ACK
    send $socket, $messages, 0 or die "cannot send netlink messages: $!\n";
    my @refused;
    while (1) {
        defined recv $socket, my $bytes, 65536, 0 or die "cannot hear netlink: $!\n";
        my (undef, undef, undef, $sequence, undef, $error) = unpack 'LSSLLl', $bytes;    # NLMSG_ERROR
        push @refused, "$sequence:" . -$error if $error;
        return "@refused" if $sequence == 0xffffffff;
    }
}

sub AF_NETLINK { return 16 }

# The kernel puts off what makes a link run, and a local route for an IPv6 address: until then it sends nothing by them.
sub ready {
    my ($number, $milliseconds, @names) = @_;
    my $until = now() + $milliseconds / 1000;
    while (1) {
        enter($number);
        socket(my $socket, AF_INET, SOCK_DGRAM, 0) or die "cannot open a socket: $!\n";
        my %local = map { (split ' ')[0] => 1 } grep { / [89a-f][0-9a-f]{7} +\S+$/ } lines_of('ipv6_route');    # RTF_LOCAL
        my %without = map { my @address = split ' '; $local{$address[0]} ? () : ($address[5] => 1) } lines_of('if_inet6');
        @names = grep { $without{$_} || !runs($socket, $_) } @names;
        return "@names" if !@names || now() >= $until;
        serve_until(now() + 0.002, sub { 0 });
    }
}

sub lines_of {
    open my $file, '<', "/proc/thread-self/net/$_[0]" or return ();
    return map { chomp; $_ } <$file>;
}

sub runs {
    my ($socket, $name) = @_;
    my $request = pack 'a16 x24', $name;
    ioctl $socket, 0x8913, $request or return 0;    # SIOCGIFFLAGS
    return unpack('x16 S', $request) & 0x40;        # IFF_RUNNING
}

sub fresh_sysctls { return join ' ', map { read_file("/proc/sys/net/$_") // '-' } @_ }

# A mounted proc keeps the folders of all namespaces that asked for /proc/sys/net, with the same names, and looks through them one by one:
# it is asked for a folder once, and goes away after some namespaces.
my $SYSCTLS = '/run/proc';
my $MOST_FOLDERS = 64;
my $folders = $MOST_FOLDERS;

sub write_sysctls {
    my ($number, @settings) = @_;
    enter($number);
    renew_proc() if $folders++ >= $MOST_FOLDERS;
    my $folder = '';
    my $complaint = '';
    for (@settings) {
        my ($top, $path, $value) = m{^(\w+)/(.+)=(.*)$} or die "expected PATH=VALUE, found $_\n";
        $folder eq $top or chdir "$SYSCTLS/sys/net/$top" or $complaint = "$_: $!";
        $folder = $top;
        my $file;
        my $is_set = !$complaint && open($file, '>', $path) && defined syswrite $file, $value;
        $complaint ||= "$_: $!" unless $is_set;
        last if $complaint;
    }
    chdir $start or chdir '/' or die "chdir: $!\n";
    return $complaint;
}

sub renew_proc {
    -d $SYSCTLS or mkdir $SYSCTLS or die "cannot make $SYSCTLS: $!\n";
    my ($place, $proc) = ($SYSCTLS, 'proc');
    syscall $UMOUNT, $place, 2;    # MNT_DETACH; the first time there is none
    syscall($MOUNT, $proc, $place, $proc, 0, 0) == 0 or die "mount of $SYSCTLS: $!\n";
    $folders = 1;
}

my ($SCTP, $INIT, $INIT_ACK) = (132, 1, 2);
my @CRC_TABLE = map { my $crc = $_; $crc = $crc & 1 ? ($crc >> 1) ^ 0x82f63b78 : $crc >> 1 for 1 .. 8; $crc } 0 .. 255;

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
    my ($number, $protocol, $address, $port, $name) = @_;
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
    if ($protocol eq 'sctp') {
        serve_sctp($address, $port);
        return '';
    }
    my $socket = bound_socket(SOCK_STREAM, $address, $port);
    on_readable($socket, sub {
        my $from = accept(my $taken, $socket) or return;
        my $saw  = 'saw ' . who($from);
        if ($protocol eq 'http') {
            on_readable($taken, sub { answer_request($taken, $name, $saw) });
            return;
        }
        syswrite $taken, $saw;
        close $taken;
    });
    return '';
}

# To clients of HTTP in their own way; to others, who say something first, as other servers do.
sub answer_request {
    my ($taken, $name, $saw) = @_;
    my $read = sysread $taken, my $request, 4096;
    if ($read && $request =~ m{^[A-Z]+ \S+ HTTP/}) {
        my $body = "$name $saw\n";
        $body .= "for $1\n" if $request =~ /^X-Forwarded-For: *(\S+)/mi;
        syswrite $taken, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: " . length($body) . "\r\n\r\n$body";
    }
    elsif ($read) { syswrite $taken, $saw }
    forget($taken);
}

# --- SCTP ----------------------------------------------------------------------------------------------------------------

# Many kernels have none. The first packet of a connection and the answer are all that labs compare: they are made here, with raw sockets.
# What the server has to say is the cookie in its answer.

sub crc32c {
    my $crc = 0xffffffff;
    $crc = $CRC_TABLE[($crc ^ $_) & 255] ^ ($crc >> 8) for unpack 'C*', $_[0];
    return $crc ^ 0xffffffff;
}

# One chunk, INIT or INIT_ACK. `$tag`: that of the receiver, which an INIT has told.
sub sctp_packet {
    my ($from, $to, $tag, $kind, $cookie) = @_;
    my $state  = $cookie eq '' ? '' : pack('nn', 7, 4 + length $cookie) . $cookie . "\0" x (-length($cookie) % 4);
    my $chunk  = pack 'CCnNNnnN', $kind, 0, 20 + length $state, 1 + int rand 0xffffffff, 65536, 1, 1, 1;
    my $packet = pack('nnNV', $from, $to, $tag, 0) . $chunk . $state;
    substr($packet, 8, 4) = pack 'V', crc32c($packet);
    return $packet;
}

# Ports, the kind of the first chunk, the cookie, and the sender's tag; empty for another packet.
sub read_sctp {
    my ($packet) = @_;
    return if length $packet < 32;
    my ($from, $to, undef, undef, $kind, undef, undef, $tag) = unpack 'nnNNCCnN', $packet;
    my ($parameter, $length) = unpack 'x32 nn', "$packet\0\0\0\0";
    return ($from, $to, $kind, $parameter == 7 ? substr($packet, 36, $length - 4) : '', $tag);
}

sub serve_sctp {
    my ($address, $port) = @_;
    my $family = family_of($address);
    socket(my $socket, $family, SOCK_RAW | $NONBLOCK, $SCTP) or die "cannot open a socket: $!\n";
    bind $socket, socket_address($address, 0) or die "cannot serve at $address: $!\n";
    on_readable($socket, sub {
        my $sender = recv($socket, my $bytes, 512, 0) // return;
        my ($from, $to, $kind, undef, $tag) = read_sctp(behind_ip($family, $bytes)) or return;
        return if $to != $port || $kind != $INIT;
        my ($seen) = split ' ', who($sender);
        send $socket, sctp_packet($port, $from, $tag, $INIT_ACK, "saw $seen $from"), 0, $sender;
    });
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
        on_readable($made, sub { pass_on($made, $taken) });
        on_writable($made, sub {
            vec($writable, fileno $made, 1) = 0;
            on_readable($taken, sub { pass_on($taken, $made) });
        });
    });
    return '';
}

# The end of one side is the end of both.
sub pass_on {
    my ($from, $to) = @_;
    my $read = sysread $from, my $bytes, 65536;
    return if $read && syswrite $to, $bytes;
    forget($from);
    forget($to);
}

my $time_buffer = pack 'QQ', 0, 0;

sub now {
    syscall $CLOCK, 1, $time_buffer;
    my ($seconds, $nanoseconds) = unpack 'QQ', $time_buffer;
    return $seconds + $nanoseconds / 1e9;
}

# Serves everybody until `$is_done`, or until `$until`, if that is defined.
sub serve_until {
    my ($until, $is_done) = @_;
    until ($is_done->()) {
        my $left = defined $until ? $until - now() : undef;
        return if defined $left && $left <= 0;
        next if select(my $read = $readable, my $write = $writable, undef, $left) <= 0;
        call_for($write, \%writer);
        call_for($read,  \%reader);
    }
}

# Of hundreds of sockets few are ready.
sub call_for {
    my ($vector, $handlers) = @_;
    my @ready;
    while ($vector =~ /[^\0]/g) {
        my $first = (pos($vector) - 1) * 8;
        push @ready, grep { vec $vector, $_, 1 } $first .. $first + 7;
    }
    for (@ready) { $handlers->{$_}->() if $handlers->{$_} }
}

# --- shell commands ------------------------------------------------------------------------------------------------------

my $running = 0;
my $MOST_RUNNING = 4;
my @not_started;

# Gives where the answer will be.
sub run {
    my ($number, $input, @command) = @_;
    my $answer = {};
    push @not_started, sub { start_command($answer, $number, $input, "@command") };
    start_commands();
    return $answer;
}

sub start_commands {
    while ($running < $MOST_RUNNING && @not_started) { shift(@not_started)->() }
}

sub start_command {
    my ($answer, $number, $input, $text) = @_;
    enter($number);
    pipe my $read, my $give or die $!;
    pipe my $output, my $write or die $!;
    my $command = fork // die "cannot start a process: $!\n";
    if (!$command) {
        $SIG{$_} = 'DEFAULT' for 'INT', 'PIPE';
        open STDIN,  '<&', $read;
        open STDOUT, '>&', $write;
        open STDERR, '>&', $write;
        exec 'sh', '-c', $text or die $!;
    }
    close $_ for $read, $write;
    $running++;
    my $said = '';
    if ($input eq '') { close $give }
    else {
        $give->blocking(0);
        on_writable($give, sub {
            my $written = syswrite $give, $input, 1 << 16;
            return if !defined $written && $!{EAGAIN};
            substr $input, 0, $written // length $input, '';
            forget($give) if $input eq '';
        });
    }
    on_readable($output, sub {
        return if sysread $output, $said, 1 << 16, length $said;
        forget($output);
        waitpid $command, 0;
        my $code = $? >> 8;
        $answer->{text} = "$code " . in_one_line($said);
        $running--;
        start_commands();
    });
}

sub in_one_line {
    my ($text) = @_;
    $text =~ s/\\/\\\\/g;
    $text =~ s/\n/\\n/g;
    return $text;
}

# --- clients -------------------------------------------------------------------------------------------------------------

sub ask {
    my ($number, $protocol, $source, $source_port, $destination, $port, $milliseconds, $bytes, $wait) = @_;
    my $elsewhere = $wait eq 'quiet' && !$running ? stay_on_one_processor() : undef;
    enter($number);
    my $answer = ask_from_here($protocol, $source, $source_port, $destination, $port, $milliseconds, $bytes, defined $elsewhere);
    leave_processor($elsewhere) if defined $elsewhere;
    return $answer;
}

sub ask_from_here {
    my ($protocol, $source, $source_port, $destination, $port, $milliseconds, $bytes, $ends_when_quiet) = @_;
    my $family = family_of($destination);
    my $room = $bytes ? $bytes - ($family == AF_INET ? 20 : 40) - 8 : 0;    # behind the header of UDP or ICMP
    my $answer;
    my $until = now() + $milliseconds / 1000;
    my $any   = $family == AF_INET ? '0.0.0.0' : '::';
    my $type  = $protocol eq 'icmp' || $protocol eq 'sctp' ? SOCK_RAW : $protocol eq 'udp' ? SOCK_DGRAM : SOCK_STREAM;
    my $raw   = $protocol eq 'sctp' ? $SCTP : $family == AF_INET ? 1 : 58;
    socket(my $socket, $family, $type | $NONBLOCK, $type == SOCK_RAW ? $raw : 0) or die "cannot open a socket: $!\n";
    setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1;
    my $own = socket_address($source eq '-' ? $any : $source, $type == SOCK_RAW ? 0 : $source_port);
    bind $socket, $own or return 'error ' . ($! + 0);
    my $failed = !connect $socket, socket_address($destination, $type == SOCK_RAW ? 0 : $port);
    return 'error ' . ($! + 0) if $failed && $! != 115;    # EINPROGRESS
    # The kernel takes an ICMP error that comes while connect is still sending for one that may go away, which ends nothing (tcp_v4_err).
    my $refused = $type == SOCK_STREAM ? unpack 'i', getsockopt $socket, SOL_SOCKET, SO_ERROR : 0;
    return "error $refused" if $refused;
    my $hear = sub {
        my $read = sysread $socket, my $bytes, 512;
        if (!defined $read) { $answer = 'error ' . ($! + 0) unless $!{EAGAIN} }
        elsif ($type != SOCK_RAW) { $answer = $read ? $bytes : 'error 104' }    # ECONNRESET: closed without a word
        elsif ($protocol eq 'sctp') {
            my ($from, $to, $kind, $told) = read_sctp(behind_ip($family, $bytes)) or return;
            $answer = $told if $from == $port && $to == $source_port && $kind == $INIT_ACK;
        }
        else {
            my ($kind, undef, undef, $identifier) = unpack 'CCnn', behind_ip($family, $bytes);
            $answer = 'echo' if $kind == ($family == AF_INET ? 0 : 129) && $identifier == $source_port;
        }
    };
    on_readable($socket, $hear);
    if ($protocol eq 'http') {
        on_writable($socket, sub {
            vec($writable, fileno $socket, 1) = 0;
            my $error = unpack 'i', getsockopt $socket, SOL_SOCKET, SO_ERROR;
            if   ($error) { $answer = "error $error" }
            else          { syswrite $socket, 'ask' }
        });
    }
    if ($bytes) {    # IP_MTU_DISCOVER, IPV6_MTU_DISCOVER: IP_PMTUDISC_PROBE
        my ($level, $option) = $family == AF_INET ? (0, 10) : (41, 23);
        setsockopt($socket, $level, $option, pack 'i', 3) or die "cannot forbid fragments: $!\n";
    }
    if ($type == SOCK_DGRAM) { send $socket, pad('ask', $room), 0 or $answer = 'error ' . ($! + 0) }
    if ($protocol eq 'sctp') { send $socket, sctp_packet($source_port, $port, 0, $INIT, ''), 0 or $answer = 'error ' . ($! + 0) }
    if ($protocol eq 'icmp') {
        my $echo = (pack 'CCnnn', $family == AF_INET ? 8 : 128, 0, 0, $source_port, 1) . pad('', $room);
        substr($echo, 2, 2) = pack 'n', checksum($echo) if $family == AF_INET;    # the kernel does it for IPv6
        send $socket, $echo, 0 or $answer = 'error ' . ($! + 0);
    }
    my $has_answer = sub { defined $answer };
    my $is_quiet = 0;
    if ($ends_when_quiet) { serve_until(now() + 0.001, $has_answer) until defined $answer || now() >= $until || ($is_quiet = is_quiet()) }
    else                  { serve_until($until, $has_answer) }
    serve_until_no_queue($has_answer) unless defined $answer || $is_quiet;
    forget($socket);
    return $answer // 'silence';
}

# A raw socket for IPv4 gives the IP header, too.
sub behind_ip {
    my ($family, $bytes) = @_;
    return $family == AF_INET ? substr($bytes, (vec($bytes, 0, 8) & 15) * 4) : $bytes;
}

sub request {
    my ($number, $request, $source, $source_port, $destination, $port, $milliseconds) = @_;
    enter($number);
    my $family = family_of($destination);
    my $any    = $family == AF_INET ? '0.0.0.0' : '::';
    my ($said, $answer) = ('');
    socket(my $socket, $family, SOCK_STREAM | $NONBLOCK, 0) or die "cannot open a socket: $!\n";
    setsockopt $socket, SOL_SOCKET, SO_REUSEADDR, 1;
    bind $socket, socket_address($source eq '-' ? $any : $source, $source_port) or return 'error ' . ($! + 0);
    connect $socket, socket_address($destination, $port) or $! == 115 or return 'error ' . ($! + 0);    # EINPROGRESS
    my $refused = unpack 'i', getsockopt $socket, SOL_SOCKET, SO_ERROR;    # as for ask
    return "error $refused" if $refused;
    on_readable($socket, sub {
        my $read = sysread $socket, $said, 1 << 16, length $said;
        return if $read || !defined $read && $!{EAGAIN};
        $answer = defined $read ? 'answered ' . in_one_line($said) : 'error ' . ($! + 0);
    });
    on_writable($socket, sub {
        vec($writable, fileno $socket, 1) = 0;
        my $error = unpack 'i', getsockopt $socket, SOL_SOCKET, SO_ERROR;
        if   ($error) { $answer = "error $error" }
        else          { syswrite $socket, $request }
    });
    serve_until(now() + $milliseconds / 1000, sub { defined $answer });
    forget($socket);
    return $answer // 'silence';
}

# --- packets that are under way ------------------------------------------------------------------------------------------

# A packet that a process sends passes all namespaces on the processor that it was sent on: each interface puts it at the end of that
# processor's queue. So does the loopback interface here with a datagram, which comes back when all has gone a step further that was in
# the queue before it.
my $MARKS = 128;    # steps that a packet may have left where nobody watches

socket(my $mark, AF_INET, SOCK_DGRAM, 0) or die "cannot open a socket: $!\n";
ioctl $mark, 0x8914, my $up = pack 'a16 s x22', 'lo', 1 or die "cannot bring the loopback interface up: $!\n";    # SIOCSIFFLAGS, IFF_UP
bind $mark, pack_sockaddr_in(0, INADDR_LOOPBACK) or die "bind: $!\n";
connect $mark, getsockname $mark or die "connect: $!\n";
setsockopt $mark, SOL_SOCKET, SO_RCVTIMEO, pack 'qq', 1, 0;

# The processors on which this process may run else; undefined: the kernel does not say.
sub stay_on_one_processor {
    my $processors = processors() // return undef;
    my $current = pack 'L', 0;
    return undef if syscall($GET_CPU, $current, 0, 0) != 0;
    return stay_on(unpack('L', $current), length $processors) ? $processors : undef;
}

# The processors on which this process may run, a bit each.
sub processors {
    my $processors = "\0" x 1024;
    my $bytes = syscall $GET_AFFINITY, 0, length $processors, $processors;
    return $bytes > 0 ? substr $processors, 0, $bytes : undef;
}

sub stay_on {
    my ($processor, $bytes) = @_;
    vec(my $only = "\0" x $bytes, $processor, 1) = 1;
    return syscall($SET_AFFINITY, 0, $bytes, $only) == 0;
}

sub leave_processor {
    my ($processors) = @_;
    syscall $SET_AFFINITY, 0, length $processors, $processors;
}

my $MOST_SECONDS = 5;    # on a machine that has much else to do

sub pause {
    my ($milliseconds) = @_;
    serve_until(now() + $milliseconds / 1000, sub { 0 });
    my $processors = processors() // return '';
    my $until = now() + $MOST_SECONDS;
    for my $processor (grep { vec $processors, $_, 1 } 0 .. 8 * length($processors) - 1) {
        next unless stay_on($processor, length $processors);
        serve_until(now() + 0.001, sub { 0 }) until is_quiet() || now() >= $until;
    }
    leave_processor($processors);
    return '';
}

# Whether nothing is left to do for this process and, on its processor, for the kernel.
sub is_quiet {
    return 0 if is_anything_ready();
    frames_since();
    for (1 .. $MARKS) {
        send $mark, '-', 0 or return 0;
        defined recv $mark, my $back, 1, 0 or return 0;
    }
    return !frames_since() && !is_anything_ready();
}

sub is_anything_ready { return select(my $read = $readable, my $write = $writable, undef, 0) > 0 }

# How many frames the watchers got since the last time.
sub frames_since {
    my $count = 0;
    $count += unpack 'L', getsockopt $_, 263, 6 for values %watcher;    # SOL_PACKET, PACKET_STATISTICS
    return $count;
}

# Seconds at most: another program of the machine may keep its queues filled.
my $MOST_QUEUED = 10;

# On a busy machine packets wait in the kernel's queues longer than a client does: serves until these are empty a few times in a row.
sub serve_until_no_queue {
    my ($is_done) = @_;
    my $until = now() + $MOST_QUEUED;
    for (my $quiet = 0; $quiet < 3 && now() < $until && !$is_done->();) {
        serve_until(now() + 0.01, $is_done);
        $quiet = is_packet_queued() ? 0 : $quiet + 1;
    }
}

# The twelfth column has the packets that wait for a processor (softnet_seq_show, since Linux 5.10).
sub is_packet_queued {
    my $queues = read_file('/proc/net/softnet_stat') // return 0;
    return scalar grep { ((split ' ')[11] // '00000000') ne '00000000' } split /\n/, $queues;
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

sub unwatch {
    my ($number) = @_;
    my $socket = delete $watcher{$number} // return '';
    close_elsewhere($socket);
    return '';
}

# The kernel takes milliseconds to close a packet socket: another process waits for that. It gets the sockets in messages that it reads
# without wanting them.
my $closer;

sub close_elsewhere {
    my ($socket) = @_;
    $closer //= start_closer();
    my ($byte, $rights) = ('-', pack 'Qiiix4', 20, SOL_SOCKET, 1, fileno $socket);    # SCM_RIGHTS
    my $vector = pack 'PQ', $byte, 1;
    my $message = pack 'QLx4PQPQix4', 0, 0, $vector, 1, $rights, length $rights, 0;
    syscall $SENDMSG, fileno $closer, $message, 0x40;    # MSG_DONTWAIT; what is not sent is closed here
    close $socket;
}

sub start_closer {
    socketpair my $read, my $write, AF_UNIX, SOCK_STREAM, 0 or die "socketpair: $!\n";
    my $process = fork // die "cannot start a process: $!\n";
    return $write if $process;
    close $write;
    forget_all();
    1 while sysread $read, my $bytes, 1;
    exit;
}

# In a process that is not to hold anything of the lab.
sub forget_all {
    close $_ for values %watcher, values %namespace, values %open;
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
    fresh      => \&fresh_sysctls,
    namespaces => \&make_namespaces,
    netlink    => \&send_netlink,
    ready      => \&ready,
    sysctl     => \&write_sysctls,
    run        => \&run,
    listen     => \&serve,
    proxy      => \&serve_proxy,
    watch      => \&watch,
    unwatch    => \&unwatch,
    ask        => \&ask,
    request    => \&request,
    pause      => \&pause,
    seen       => \&seen,
);
my %has_input = (netlink => 1, run => 1, request => 1);

my ($input, $has_ended) = ('', 0);
my @answers;    # in the order of the commands; without a text: the command still runs

on_readable(*STDIN, sub {
    return if sysread STDIN, $input, 1 << 16, length $input;
    $has_ended = 1;
    vec($readable, fileno STDIN, 1) = 0;
});

sub give_answers {
    my $text = '';
    $text .= shift(@answers)->{text} . "\n" while @answers && defined $answers[0]{text};
    while (length $text) { substr $text, 0, syswrite(STDOUT, $text) // exit, '' }
}

# The next line, or as many bytes; undefined at the end.
sub take {
    my ($length) = @_;
    my $has = sub { return defined $length ? length $input >= $length : index($input, "\n") >= 0 };
    unless ($has->()) {
        serve_until(undef, sub { give_answers(); return $has_ended || $has->() });
        return undef unless $has->();
    }
    return substr $input, 0, $length // index($input, "\n") + 1, '';
}

$SIG{PIPE} = 'IGNORE';
while (defined(my $line = take())) {
    chomp $line;
    my ($name, @arguments) = split ' ', $line;
    $arguments[1] = take($arguments[1]) // last if $has_input{$name};
    my $answer = eval { ($commands{$name} // die "no command $name\n")->(@arguments) };
    $answer = "trouble $@" if $@;
    $answer = { text => $answer =~ s/\n/ /gr } unless ref $answer;
    push @answers, $answer;
    give_answers() if @answers > 1000;
}
serve_until(undef, sub { !$running });
give_answers();
