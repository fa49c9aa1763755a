#!/usr/bin/perl
# Netfilter's netlink socket of this network namespace, for a process that has none. Only perl-base, which every Debian has.
#
#   netfilter.pl                   answers requests until its standard input ends
#   netfilter.pl run NAME COMMAND… waits until no process holds NAME, then becomes COMMAND, which holds it until it ends
#
# A name is an abstract Unix socket: it belongs to the network namespace, whatever files are mounted, and the kernel lets go of it
# with the last process that holds it.
#
# A request is its length (4 bytes, little-endian), a byte that says what it is, and its text:
#
#   n MESSAGE   sends a netlink message that asks for a dump or for an acknowledgement. The answer is what the kernel says up to its
#               end: parts, each behind its length, then length 0 and the error number (4 bytes; 0: none)
#   b MESSAGES  sends a batch: one transaction, of which the last message but one asks for an acknowledgement. The answer has no part; its
#               number is the first error's
#   l NAME      holds NAME. The answer's part is the id of the process that holds it, where another one does
#
# Answers come in the order of the requests.
use strict;
use warnings;
use Socket qw(:all);

$^F = 255;    # what is opened here stays open in COMMAND

# The socket that holds the name; undefined: another process does.
sub hold {
    my ($name) = @_;
    socket(my $holder, AF_UNIX, SOCK_STREAM, 0) or die "cannot open a Unix socket: $!\n";
    if (bind $holder, pack_sockaddr_un("\0$name")) {
        listen $holder, 4096;
        return $holder;
    }
    die "cannot hold $name: $!\n" unless $!{EADDRINUSE};
    return undef;
}

# The process that holds the name, which a socket that listens tells by itself; 0: too many have asked, and nobody ever answers them.
sub holder_of {
    my ($name) = @_;
    socket(my $asking, AF_UNIX, SOCK_STREAM | 04000, 0) or die "cannot open a Unix socket: $!\n";    # SOCK_NONBLOCK
    return 0 unless connect $asking, pack_sockaddr_un("\0$name");
    return unpack 'i', getsockopt $asking, SOL_SOCKET, 17;    # SO_PEERCRED
}

if (@ARGV) {
    my (undef, $name, @command) = @ARGV;
    for (1 .. 1500) {
        if (my $held = hold($name)) { exec @command or die "cannot run $command[0]: $!\n" }
        select undef, undef, undef, 0.02;
    }
    die 'process ' . holder_of($name) . " has not ended in 30 s\n";
}

socket(my $netlink, 16, SOCK_RAW, 12) or die "cannot open netfilter netlink: $!\n";
bind $netlink, pack 'SSLL', 16, 0, 0, 0 or die "cannot bind netfilter netlink: $!\n";
setsockopt $netlink, SOL_SOCKET, 33, pack 'i', 8 << 20;     # SO_RCVBUFFORCE, which root may
setsockopt $netlink, SOL_SOCKET, 32, pack 'i', 64 << 20;    # SO_SNDBUFFORCE: a batch is one message to the socket
setsockopt $netlink, 270, 10, pack 'i', 1;                  # NETLINK_CAP_ACK: errors without the messages that they answer
my $kernel = pack 'SSLL', 16, 0, 0, 0;
binmode STDIN;
binmode STDOUT;
my @held;

sub answer { syswrite_all(join '', map { pack('V', length) . $_ } @_) }

sub finish { syswrite_all(pack 'VV', 0, $_[0]) }

sub syswrite_all {
    my ($bytes) = @_;
    my $at = 0;
    while ($at < length $bytes) {
        my $written = syswrite STDOUT, $bytes, length($bytes) - $at, $at;
        exit 0 unless defined $written;    # nobody listens any more
        $at += $written;
    }
}

# The kernel's answers to one message, as they come; gives the error number at their end.
sub ask {
    my ($message) = @_;
    send $netlink, $message, 0, $kernel or return $! + 0;
    while (1) {
        defined recv $netlink, my $bytes, 1 << 18, 0 or return $! + 0;
        my ($at, $error) = (0, undef);
        while ($at + 16 <= length $bytes) {
            my ($length, $type) = unpack 'LS', substr $bytes, $at, 6;
            if ($type == 2 || $type == 3) { $error = -unpack 'l', substr $bytes, $at + 16, 4; last }
            $at += ($length + 3) & ~3;
        }
        my $kept = defined $error ? substr $bytes, 0, $at : $bytes;
        answer($kept) if length $kept;
        return $error if defined $error;
    }
}

# Makes one transaction; gives the first error. The kernel has answered when the batch is sent.
sub commit {
    my ($batch) = @_;
    send $netlink, $batch, 0, $kernel or return $! + 0;
    my ($answers, $first, $lost) = (0, 0, 0);
    while (1) {
        if (!defined recv $netlink, my $bytes, 1 << 16, 0x40) {    # MSG_DONTWAIT
            last if $!{EAGAIN};
            return $! + 0 unless $!{ENOBUFS};
            $lost = 1;
        }
        else {
            for (my $at = 0 ; $at + 20 <= length $bytes ;) {
                my ($length, $type) = unpack 'LS', substr $bytes, $at, 6;
                if ($type == 2) { $answers++; $first ||= -unpack 'l', substr $bytes, $at + 16, 4 }
                $at += ($length + 3) & ~3;
            }
        }
    }
    return $first if $first;
    return $answers && !$lost ? 0 : 110;    # ETIMEDOUT: nobody knows
}

sub read_exactly {
    my ($wanted) = @_;
    my $bytes = '';
    while (length $bytes < $wanted) {
        my $read = sysread STDIN, $bytes, $wanted - length $bytes, length $bytes;
        exit 0 unless $read;
    }
    return $bytes;
}

while (1) {
    my $length = unpack 'V', read_exactly(4);
    my ($kind, $text) = unpack 'a a*', read_exactly($length);
    if ($kind eq 'n') { finish(ask($text)) }
    elsif ($kind eq 'b') { finish(commit($text)) }
    elsif ($kind eq 'l') {
        my $holder = hold($text);
        defined $holder ? push @held, $holder : answer(holder_of($text));
        finish(0);
    }
    else { die "unknown request $kind\n" }
}
