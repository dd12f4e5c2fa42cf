//! The server's errors whose words are shown: they name objects, accounts and limits, and never quote a row's value.
//!
//! The words of all others are left out, because a server may quote what it could not convert, in an error of any number.

/// Numbers that MySQL and MariaDB share. Source: "Server Error Message Reference" of MySQL, "MariaDB Error Codes".
const SHARED: &[u16] = &[
    1005, 1016, 1017, 1021, 1023, 1025, 1026, 1030, 1033, 1034, 1035, 1036, 1037, 1038, 1040, 1041, 1042, 1043, 1044,
    1045, 1046, 1047, 1049, 1051, 1052, 1053, 1054, 1055, 1056, 1064, 1071, 1077, 1078, 1079, 1081, 1083, 1095, 1096,
    1104, 1109, 1114, 1115, 1116, 1117, 1119, 1127, 1129, 1130, 1131, 1133, 1135, 1137, 1140, 1141, 1142, 1143, 1144,
    1146, 1147, 1152, 1153, 1154, 1155, 1156, 1157, 1158, 1159, 1160, 1161, 1165, 1176, 1177, 1178, 1180, 1184, 1189,
    1190, 1192, 1193, 1194, 1195, 1196, 1203, 1205, 1206, 1207, 1213, 1214, 1222, 1223, 1226, 1227, 1231, 1232, 1235,
    1238, 1242, 1247, 1249, 1251, 1253, 1267, 1270, 1271, 1273, 1275, 1286, 1290, 1295, 1298, 1302, 1304, 1305, 1312,
    1314, 1317, 1318, 1347, 1350, 1351, 1352, 1353, 1356, 1365, 1370, 1390, 1396, 1399, 1402, 1406, 1412, 1422, 1436,
    1444, 1449, 1456, 1461, 1477, 1524, 1548, 1557, 1568, 1577, 1582, 1583, 1615, 1630, 1637, 1665, 1683, 1698, 1702,
    1703, 1704, 1792, 1799, 1812, 1814, 1820, 1827, 1836, 1837, 1862, 1874,
];

/// Numbers of MySQL alone.
const OF_MYSQL: &[u16] = &[3024, 3118, 3159, 3167, 3168, 3169, 3170, 3571, 3572, 3636, 3720, 3723, 3770, 3955, 4031];

/// Numbers of MariaDB alone, of their clients' libraries and of proxies that speak for them.
const OF_OTHERS: &[u16] =
    &[1926, 1927, 1932, 1937, 1942, 1956, 1969, 2002, 2003, 2005, 2006, 2013, 2026, 2055, 2059, 2061, 4078, 4151];

/// Whether the words of the error with this number are shown.
pub fn is_harmless(number: u16) -> bool {
    [SHARED, OF_MYSQL, OF_OTHERS].iter().any(|numbers| numbers.contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_shown_only_for_errors_that_quote_no_value() {
        for number in [1040, 1045, 1054, 1064, 1142, 1146, 1205, 1213, 3024, 1969] {
            assert!(is_harmless(number), "{number}");
        }
        for number in [1062, 1105, 1264, 1292, 1366, 1411, 1525, 1644, 1690, 1772, 1918, 3141, 3616, 4163, 6138, 9001] {
            assert!(!is_harmless(number), "{number}");
        }
    }
}
