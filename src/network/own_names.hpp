// What a name server knows by itself of one network.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "address.hpp"
#include "dns_message.hpp"
#include "name_table.hpp"

namespace myct::network {

struct OwnAnswer {
  dns::Rcode rcode = dns::Rcode::NoError;
  std::vector<dns::Record> records;  ///< none with NoError: the name is there, and has nothing of that type
};

class OwnNames {
 public:
  OwnNames(const std::string& network, const std::string& directory, std::vector<Subnet> ranges);

  /// nullopt: it is none of the network's names. Throws Error when the table cannot be read.
  [[nodiscard]] std::optional<OwnAnswer> find(const dns::Query& query) const;

 private:
  [[nodiscard]] std::optional<OwnAnswer> find_pointer(const std::string& address, const dns::Query& query) const;
  [[nodiscard]] std::vector<std::string> addresses_of(const std::string& name) const;

  std::string suffix_;  ///< ".NETWORK": "web.NETWORK" is "web", too
  NameTable table_;
  std::vector<Subnet> ranges_;
};

}  // namespace myct::network
