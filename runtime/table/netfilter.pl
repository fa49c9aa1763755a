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
#   e WORD      tells of commits to nf_tables since this was asked last: for each commit with messages that have WORD in them, a part of its number
#               (4 bytes, little-endian) and a line "FAMILY TABLE CHAIN" for each chain that they are about. The error number is 105 (ENOBUFS) where
#               not all is known, as at first. Without WORD: nothing is listened to until it is asked again
#   i TABLES    the sizes of tables of iptables-legacy; TABLES: words "FAMILY TABLE". A part for each: what the kernel has of it (struct
#               ipt_getinfo; a blank: there is no such table). The error number is 38 (ENOSYS) where the kernel cannot be asked
#
# Answers come in the order of the requests.
use strict;
use warnings;
use Config;
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

my $heard;    # the socket that hears of commits

# Opens it; false: it was open.
sub listen_to_commits {
    return 0 if defined $heard;
    socket($heard, 16, SOCK_RAW, 12) or die "cannot open netfilter netlink: $!\n";
    setsockopt $heard, SOL_SOCKET, 33, pack 'i', 32 << 20;    # SO_RCVBUFFORCE: what is not read yet
    bind $heard, pack 'SSLL', 16, 0, 0, 1 << 6 or die "cannot bind netfilter netlink: $!\n";    # NFNLGRP_NFTABLES
    return 1;
}

# An attribute of a message of nf_tables; empty: it has none of this type.
sub attribute_of {
    my ($message, $wanted) = @_;
    for (my $at = 20 ; $at + 4 <= length $message ;) {
        my ($length, $type) = unpack 'SS', substr $message, $at, 4;
        return substr $message, $at + 4, $length - 4 if ($type & 0x3fff) == $wanted;
        last if $length < 4;
        $at += ($length + 3) & ~3;
    }
    return '';
}

# Tells what commits were about; gives an error number.
sub tell_commits {
    my ($word) = @_;
    if ($word eq '') { undef $heard; return 0 }
    my $lost = listen_to_commits();
    my %chains;
    while (1) {
        my $from = recv $heard, my $bytes, 1 << 18, 0x40;    # MSG_DONTWAIT
        if (!defined $from) {
            last if $!{EAGAIN};
            return $! + 0 unless $!{ENOBUFS};
            $lost = 1;
            next;
        }
        for (my $at = 0 ; $at + 20 <= length $bytes ;) {
            my ($length, $type, $family) = unpack 'LSx10C', substr $bytes, $at, 17;
            if ($type == 0xa0f) {                                # NFT_MSG_NEWGEN ends a commit
                my $id = unpack 'N', attribute_of(substr($bytes, $at, $length), 1);
                answer(pack('V', $id) . join "\n", sort keys %chains) if %chains;
                %chains = ();
            }
            elsif (index(substr($bytes, $at, $length), $word) >= 0) {
                my $message = substr $bytes, $at, $length;
                my $is_rule = $type == 0xa06 || $type == 0xa08;
                my ($table, $chain) = map { unpack 'Z*', attribute_of($message, $_) } 1, $is_rule ? 2 : 3;
                $chains{"$family $table $chain"} = 1;
            }
            $at += ($length + 3) & ~3;
        }
    }
    answer(pack('V', 0) . join "\n", sort keys %chains) if %chains;    # its end was lost
    return $lost ? 105 : 0;
}

# The system call getsockopt, whose answers are too large for perl's function, which does not give it what is asked for either.
my %getsockopt = (x86_64 => 55, aarch64 => 209, riscv64 => 209, loongarch64 => 209, powerpc64le => 340, s390x => 365);

# What the kernel has of tables of iptables-legacy; gives an error number: ENOSYS where it cannot be asked.
sub tell_sizes {
    my ($tables) = @_;
    my $call = $getsockopt{(split /-/, $Config{archname})[0]};
    return 38 unless defined $call;
    my @words = split ' ', $tables;
    while (my ($family, $table) = splice @words, 0, 2) {
        my $is_six = $family eq 'ip6';
        socket(my $raw, $is_six ? 10 : 2, SOCK_RAW, 255) or return 38;    # IPPROTO_RAW
        my ($info, $length) = (pack('a32 x52', $table), pack 'i', 84);
        my $got = syscall $call, fileno $raw, $is_six ? 41 : 0, 64, $info, $length;    # IPT_SO_GET_INFO, IP6T_SO_GET_INFO
        return 38 if $got < 0 && !$!{ENOENT};
        answer($got < 0 ? ' ' : $info);
    }
    return 0;
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
    elsif ($kind eq 'e') { finish(tell_commits($text)) }
    elsif ($kind eq 'i') { finish(tell_sizes($text)) }
    else { die "unknown request $kind\n" }
}
