#!/usr/bin/perl
# Hands packets to the kernel of this network namespace and tells what comes out. Only perl-base, which every Debian has.
#
# Arguments: names of TUN devices to make. Then a command a line on standard input, an answer a line on standard output:
#
#   send DEVICE HEX      the packet comes in by the device
#   send local HEX       the node itself sends it (raw socket: output hook)
#   system COMMAND       runs a shell command here; the answer is its exit code, and its output if that is not 0
#   flush                forgets all connections
#   drain                forgets what has come out
#
# The answer to send is a list of what came out, separated by blanks:
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

my @protocols = (1, 6, 17, 132);
socket(my $send4, AF_INET,  SOCK_RAW, 255) or die "cannot open a raw socket: $!\n";
socket(my $send6, AF_INET6, SOCK_RAW, 255) or die "cannot open a raw socket: $!\n";
my (@receive4, @receive6);
for my $protocol (@protocols) {
    socket(my $four, AF_INET, SOCK_RAW | 04000, $protocol) or die "cannot open a raw socket: $!\n";
    setsockopt($four, SOL_SOCKET, SO_RCVBUF, 1 << 20);
    push @receive4, $four;
    my $number = $protocol == 1 ? 58 : $protocol;
    socket(my $six, AF_INET6, SOCK_RAW | 04000, $number) or die "cannot open a raw socket: $!\n";
    setsockopt($six, SOL_SOCKET, SO_RCVBUF, 1 << 20);
    setsockopt($six, 41, 49, pack('i', 1));    # IPPROTO_IPV6, IPV6_RECVPKTINFO
    push @receive6, [$six, $number];
}
socket(my $netlink, 16, SOCK_RAW, 12) or die "cannot open netfilter netlink: $!\n";

# recvmsg(2), which perl has no word for: the only way to the destination of an IPv6 packet.
my $machine = qx(uname -m);
my $recvmsg = $machine =~ /aarch64|riscv64|loongarch64/ ? 212 : $machine =~ /s390x/ ? 372 : $machine =~ /ppc64/ ? 342 : 47;

sub receive6 {
    my ($socket, $protocol) = @{ $_[0] };
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

sub collect {
    my @found;
    my $bytes;
    for my $device (@devices) {
        push @found, "out:$device:" . unpack('H*', $bytes) while sysread $tun{$device}, $bytes, 2048;
    }
    for my $socket (@receive4) {
        push @found, 'local:' . unpack('H*', $bytes) while defined recv $socket, $bytes, 2048, 0x40;
    }
    push @found, map { receive6($_) } @receive6;
    return @found;
}

sub transmit {
    my ($where, $packet) = @_;
    return syswrite $tun{$where}, $packet if $where ne 'local';
    my $four        = ord($packet) >> 4 == 4;
    my $destination = $four ? substr($packet, 16, 4) : substr($packet, 24, 16);    # Socket does not take substr itself
    return $four
      ? send($send4, $packet, 0, pack_sockaddr_in(0, $destination))
      : send($send6, $packet, 0, pack_sockaddr_in6(0, $destination));
}

sub answer {
    my ($line) = @_;
    my ($command, $rest) = split ' ', $line, 2;
    if ($command eq 'send') {
        my ($where, $hex) = split ' ', $rest;
        my @failed = transmit($where, pack 'H*', $hex) ? () : ('error:' . ($! + 0));
        return join ' ', @failed, collect();
    }
    if ($command eq 'flush') {    # IPCTNL_MSG_CT_DELETE without a tuple: all of them
        send $netlink, pack('LSSLLCCn', 20, 0x102, 5, 1, 0, 0, 0, 0), 0;
        recv $netlink, my $ignored, 4096, 0;
        return 'ok';
    }
    if ($command eq 'drain') {
        collect();
        return 'ok';
    }
    if ($command eq 'system') {
        my $output = qx(($rest) 2>&1);
        my $code   = $? >> 8;
        $output =~ s/\n/\\n/g;
        return $code == 0 ? '0' : "$code $output";
    }
    die "no command $command\n";
}

sub put {
    my ($text) = @_;
    while (length $text) {
        my $written = syswrite STDOUT, $text or die "cannot write: $!\n";
        substr($text, 0, $written) = '';
    }
}

my $input = '';
while (sysread STDIN, $input, 1 << 16, length $input) {
    my $output = '';
    my $end = rindex $input, "\n";
    next if $end < 0;
    $output .= answer($_) . "\n" for split /\n/, substr($input, 0, $end + 1, '');
    put($output);
}
