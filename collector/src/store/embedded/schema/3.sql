-- Layout 3: the code points of the replies, and the smallest MTU that a router named.
ALTER TABLE ping_text ADD COLUMN dscp_received TEXT;
ALTER TABLE ping ADD COLUMN path_mtu INTEGER;
